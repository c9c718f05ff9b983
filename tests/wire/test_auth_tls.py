# SPDX-License-Identifier: Apache-2.0
"""TLS: certificate authorities, client certificates, certs.d directories, and error messages. The
tests use login, because it is the command with the fewest requests."""
import os
import shutil
import socket
import subprocess
import threading

import pytest
from auth_support import CANARY, assert_absent, entry, write_config
from cli_support import COMMAND
from registry import CA, Auth
from servers import ConnectProxy

NAME = "registry.example"
HOSTS = {"hosts": [NAME]}


class TlsRegistries:
    """Starts registries with a host name, https and a proxy; runs login."""

    def __init__(self, registry, run):
        self.registry = registry
        self.run = run
        self.proxies = []

    def serve(self, context, name=NAME):
        server = self.registry("d28", name=name, tls=context,
                               auth=Auth("basic", users={"user": CANARY}))
        self.proxies.append(ConnectProxy({name: server.port}))
        server.environment = {"HTTPS_PROXY": self.proxies[-1].url}
        return server

    def login(self, server, *options, env=None):
        result = self.run("login", "--username", "user", "--password-stdin", *options, server.host,
                          input=CANARY.encode(), env={**server.environment, **(env or {})})
        assert_absent(result.stderr, CANARY)
        return result


@pytest.fixture
def over(registry, run):
    found = TlsRegistries(registry, run)
    yield found
    for proxy in found.proxies:
        proxy.stop()


@pytest.fixture(scope="module")
def other_ca(tmp_path_factory):
    return CA(tmp_path_factory.mktemp("other-ca"), name="another authority")


def assert_tls_failed(result, server, *words):
    """TLS failed without retries: one error line with these words, and no request."""
    assert result.rc == 6, result
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and server.host in lines[0]
    for word in words:
        assert word in lines[0], lines[0]
    assert len(server.journal) == 0


def test_authority_of_cacert_option_is_trusted(over, ca):
    server = over.serve(ca.server_context(name="named", **HOSTS))
    assert over.login(server, "--cacert", ca.cert).rc == 0


def test_machine_without_authorities(over, ca, tmp_path):
    """A bare system has no CA certificates at all: here an empty directory hides them."""
    hide = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
            'mount -t tmpfs none /etc/ssl && exec "$@"', "sh"]
    if subprocess.run([*hide, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        pytest.skip("mounts are not allowed here")
    server = over.serve(ca.server_context(name="bare", **HOSTS))

    def login(*options):
        return subprocess.run([*hide, COMMAND, "login", "--username", "user", "--password-stdin", "--authfile",
                               tmp_path / "auth.json", *options, server.host], input=CANARY.encode(),
                              stderr=subprocess.PIPE, env={**os.environ, **server.environment}, check=False)

    result = login()
    said = result.stderr.decode()
    assert result.returncode == 6 and len(said.splitlines()) == 1, said
    assert login("--cacert", ca.cert).returncode == 0
    assert "no CA certificates: install the package ca-certificates" in said and "--cacert FILE" in said


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_authority_of_environment_is_trusted(variable, over, ca, tmp_path):
    """As in Go programs: SSL_CERT_FILE is a file, SSL_CERT_DIR is a list of directories."""
    server = over.serve(ca.server_context(name="environment", **HOSTS))
    directory = tmp_path / "authorities"
    directory.mkdir()
    (directory / "notes.txt").write_text("no certificate\n")
    shutil.copy(ca.cert, directory / "ours")
    value = {"SSL_CERT_FILE": ca.cert, "SSL_CERT_DIR": f"/nonexistent:{directory}"}[variable]
    assert over.login(server, env={variable: str(value)}).rc == 0


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_environment_that_names_a_missing_file_is_ignored(variable, over, ca):
    server = over.serve(ca.server_context(name="nothing", **HOSTS))
    assert over.login(server, "--cacert", ca.cert, env={variable: "/nonexistent"}).rc == 0


def test_unknown_authority_fails_and_names_option(over, ca, other_ca):
    server = over.serve(ca.server_context(name="unknown", **HOSTS))
    assert_tls_failed(over.login(server), server, "give the CA certificate", "--cacert")
    assert_tls_failed(over.login(server, "--cacert", other_ca.cert), server, "give the CA certificate")


def test_expired_certificate_fails(over, ca):
    server = over.serve(ca.server_context(name="expired", days=0, **HOSTS))
    assert_tls_failed(over.login(server, "--cacert", ca.cert), server, "expired", "clock")


def test_certificate_for_other_host_fails(over, ca):
    server = over.serve(ca.server_context(name="wrong", hosts=["other.example"]))
    assert_tls_failed(over.login(server, "--cacert", ca.cert), server,
                      "matches target host", NAME)


@pytest.mark.parametrize("options", [[], ["-q"]])
def test_tls_verify_false_warns_even_with_quiet(options, over, other_ca):
    server = over.serve(other_ca.server_context(name="any", days=0, hosts=["x.example"]))
    result = over.login(server, "--tls-verify=false", *options)
    assert result.rc == 0, result
    assert "warning: certificates are not verified" in result.stderr


@pytest.mark.parametrize("state", ["refused", "hung up", "nobody"])
def test_failed_https_is_not_replaced_by_http(state, command, over, other_ca, run, tar_bytes):
    """Certificate refused, connection ended, or port closed: no request is sent over http."""
    server = over.serve(other_ca.server_context(name="downgrade", **HOSTS))
    write_config(command.home, {"auths": {NAME: entry()}})
    proxy = over.proxies[-1]
    if state == "nobody":
        proxy.ports.clear()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if state == "hung up":
            proxy.ports[NAME] = listener.getsockname()[1]
            threading.Thread(target=lambda: listener.accept()[0].close()).start()
        result = run("layer", "--retry", "0", f"{NAME}/a", input=tar_bytes,
                     env={"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url})
    assert result.rc == 6, result
    assert proxy.heads and {head.split()[0] for head in proxy.heads} == {"CONNECT"}
    assert len(server.journal) == 0


def test_client_certificate_is_sent(over, ca):
    cert, key = ca.issue(name="client", client=True)
    server = over.serve(ca.server_context(name="mutual", client_ca=ca.cert, **HOSTS))
    assert over.login(server, "--cacert", ca.cert, "--cert", cert, "--key", key).rc == 0
    both = os.path.join(ca.directory, "both.pem")
    with open(both, "w", encoding="ascii") as file:
        for path in (cert, key):
            with open(path, encoding="ascii") as part:
                file.write(part.read())
    assert over.login(server, "--cacert", ca.cert, "--cert", both).rc == 0


def test_missing_or_unknown_client_certificate_fails(over, ca, other_ca):
    server = over.serve(ca.server_context(name="mutual", client_ca=ca.cert, **HOSTS))
    assert_tls_failed(over.login(server, "--cacert", ca.cert), server, "client certificate",
                      "--cert")
    cert, key = other_ca.issue(name="unknown-client", client=True)
    result = over.login(server, "--cacert", ca.cert, "--cert", cert, "--key", key)
    # TLS 1.3 rejects a client certificate after the handshake. The close of the connection can
    # come before the alert, and then the first attempts see no reason and are repeated.
    assert result.rc == 6, result
    assert "client certificate" in result.stderr.splitlines()[-1], result
    assert len(server.journal) == 0


def test_unusable_certificate_file_is_wrong_usage(over, ca):
    server = over.serve(ca.server_context(name="files", client_ca=ca.cert, **HOSTS))
    cert, key = ca.issue(name="client", client=True)
    for options, word in [
            (["--cacert", "/nonexistent"], "/nonexistent"), (["--cacert", os.devnull], os.devnull),
            (["--cacert", __file__], "PEM"), (["--cert", "/nonexistent"], "/nonexistent"),
            (["--cert", cert, "--key", "/nonexistent"], "/nonexistent"), (["--key", key], "--cert"),
            (["--cacert", ca.cert, "--cert", __file__], __file__),
            (["--cacert", ca.cert, "--cert", cert, "--key", ca.key], ca.key)]:
        result = over.login(server, *options)
        assert result.rc == 2, (options, result)
        assert word in result.stderr.splitlines()[0], result
    assert len(server.journal) == 0


# Directories certs.d/HOST, as docker and podman use them.

@pytest.fixture(params=["home", "XDG_CONFIG_HOME"])
def certs_d(request, command, tmp_path):
    """(certs.d directory of the registry, environment in which the command finds it)"""
    base = command.home / ".config" if request.param == "home" else tmp_path / "config"
    directory = base / "containers" / "certs.d" / NAME
    directory.mkdir(parents=True)
    return directory, {} if request.param == "home" else {"XDG_CONFIG_HOME": str(base)}


def test_certs_d_directory_gives_authority_and_client_certificate(certs_d, over, ca):
    directory, env = certs_d
    server = over.serve(ca.server_context(name="mutual", client_ca=ca.cert, **HOSTS))
    cert, key = ca.issue(name="client", client=True)
    assert_tls_failed(over.login(server, env=env), server, "give the CA certificate")
    shutil.copy(ca.cert, directory / "ca.crt")
    assert_tls_failed(over.login(server, env=env), server, "client certificate")
    shutil.copy(cert, directory / "client.cert")
    result = over.login(server, env=env)
    assert result.rc == 2 and "client.cert has no usable key" in result.stderr
    shutil.copy(key, directory / "client.key")
    assert over.login(server, env=env).rc == 0
    (directory / "broken.crt").write_text("no certificate")
    result = over.login(server, env=env)
    assert result.rc == 2 and "broken.crt" in result.stderr


def test_certs_d_directory_of_other_host_is_not_used(command, over, ca):
    """An authority in certs.d is trusted only for the host that the directory names."""
    server = over.serve(ca.server_context(name="named", **HOSTS))
    for name in ("other.example", NAME + ":5000", "example", "..", NAME + ".other.example"):
        directory = command.home / ".config" / "containers" / "certs.d" / name
        directory.mkdir(parents=True, exist_ok=True)
        shutil.copy(ca.cert, directory / "ca.crt")
    assert_tls_failed(over.login(server), server, "give the CA certificate")


def test_certs_d_directory_of_loopback_registry_selects_https(command, registry, run, ca):
    """Without the directory, the command would try http for a loopback registry."""
    server = registry("d28", tls=ca.server_context(), auth=Auth("basic", users={"user": CANARY}))
    directory = command.home / ".config" / "containers" / "certs.d" / server.host
    directory.mkdir(parents=True)
    shutil.copy(ca.cert, directory / "ca.crt")
    result = run("login", "--username", "user", "--password-stdin", server.host,
                 input=CANARY.encode())
    assert result.rc == 0, result
    assert all("authorization" not in entry.headers or entry.path.startswith("/v2/")
               for entry in server.journal)


def test_password_is_not_sent_while_scheme_is_unknown(run, registry, command):
    """The command first tries http at a loopback registry, which closes the connection. That
    request must not contain the password."""
    seen = []

    def serve(listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            seen.append(sock.recv(65536))
            sock.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        host = "127.0.0.1:%d" % listener.getsockname()[1]
        result = run("login", "--username", "user", "--password-stdin", "--tls-verify=false", host,
                     input=CANARY.encode())
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert result.rc == 6, result
    assert seen and all(b"authorization" not in text.lower() for text in seen)


def test_key_log_warns_even_with_quiet(over, ca, tmp_path):
    server = over.serve(ca.server_context(name="named", **HOSTS))
    result = over.login(server, "--cacert", ca.cert, "-q",
                        env={"SSLKEYLOGFILE": str(tmp_path / "keys")})
    assert result.rc == 0 and "warning: SSLKEYLOGFILE" in result.stderr
