# SPDX-License-Identifier: Apache-2.0
"""Files that options name, and the usual configuration files: pipes, sockets, directories, and a
home directory that another user owns."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading

import pytest
from auth_support import CANARY, assert_absent, entry, write_config
from cli_support import wait_until
from inputs import t1000
from registry import Auth

TAR = t1000()


@pytest.fixture
def server(registry):
    return registry("d28", auth=Auth("basic", users={"user": CANARY}))


@pytest.fixture
def pipes():
    """Makes pipes that contain a text, as <(...) does; returns path and descriptor."""
    readers, threads = [], []

    def fill(writer, data):
        with open(writer, "wb") as out:
            out.write(data)

    def make(data):
        reader, writer = os.pipe()
        readers.append(reader)
        threads.append(threading.Thread(target=fill, args=(writer, data)))
        threads[-1].start()
        return f"/dev/fd/{reader}", reader
    yield make
    for reader in readers:
        os.close(reader)
    for thread in threads:
        thread.join()


def credentials(host):
    return json.dumps({"auths": {host: entry()}}).encode()


def test_authfile_may_be_a_pipe(server, run, pipes):
    """It is read once, but used for every registry and blob."""
    path, descriptor = pipes(credentials(server.host))
    result = run("push", "--authfile", path, f"{server.host}/a/b:1", "-", input=TAR,
                 pass_fds=[descriptor])
    assert result.rc == 0, result
    assert len(server.storage.manifests()) == 1


def test_authfile_may_be_a_named_pipe(server, run, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(credentials(server.host),))
    writer.start()
    result = run("push", "--authfile", fifo, f"{server.host}/a/b:1", "-", input=TAR)
    writer.join()
    assert result.rc == 0, result


@pytest.mark.parametrize("option", ["--authfile", "--cacert"])
def test_a_named_pipe_is_shown_as_the_user_named_it(run, tmp_path, option):
    """Not as the path of the copy that the library reads."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"{",))
    writer.start()
    result = run("push", option, fifo, "localhost:1/a/b:1", "-", input=TAR)
    writer.join()
    assert result.rc == 2 and str(fifo) in result.stderr and "/proc" not in result.stderr, result


def test_authfile_may_be_a_socket(server, run):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(credentials(server.host))
        ours.shutdown(socket.SHUT_WR)
        result = run("layer", "--authfile", f"/dev/fd/{theirs.fileno()}", f"{server.host}/a/b", "-",
                     input=TAR, pass_fds=[theirs.fileno()])
    assert result.rc == 0, result


def test_authfile_may_be_stdin(server, run, tmp_path):
    file = tmp_path / "t.tar"
    file.write_bytes(TAR)
    result = run("push", "--authfile", "/dev/stdin", f"{server.host}/a/b:1", file,
                 input=credentials(server.host))
    assert result.rc == 0, result


@pytest.mark.parametrize("option", ["--authfile", "--cacert", "--layer-descriptor"])
def test_stdin_that_an_option_reads_is_no_layer(option, run):
    for verb, words in [("push", "stdin is read for"), ("layer", "stdin is read for")]:
        if verb == "layer" and option == "--layer-descriptor":
            continue
        result = run(verb, option, "/dev/stdin", "localhost:1/a", "-", input=TAR)
        assert result.rc == 2 and words in result.stderr and option in result.stderr, result
        assert "cannot be a layer" in result.stderr, result


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "/dev/fd/0"])
@pytest.mark.parametrize("option", ["--config", "--env-file", "--layer-descriptor", "--prefetch"])
def test_stdin_that_an_option_of_push_reads_is_no_layer(option, path, run):
    for words in [["-"]] if option == "--layer-descriptor" else [["-"], []]:
        result = run("push", "--compress", "estargz", option, path, "null:", *words, input=TAR)
        assert result.rc == 2 and f"stdin is read for {option}" in result.stderr, result


def test_environment_from_stdin_changes_a_base(run, tmp_path):
    file = tmp_path / "t.tar"
    file.write_bytes(TAR)
    assert run("push", f"oci:{tmp_path}/layout:1", file).rc == 0
    result = run("push", "--base", f"oci:{tmp_path}/layout:1", "--env-file", "-",
                 f"oci:{tmp_path}/layout:2", input=b"A=b\n")
    assert result.rc == 0, result
    assert "A=b" in run("inspect", f"oci:{tmp_path}/layout:2").stdout


def test_stdin_that_an_option_reads_is_no_implied_layer(run):
    result = run("layer", "--authfile", "/dev/stdin", "localhost:1/a", input=b"{}")
    assert result.rc == 2 and "stdin is read for --authfile: name an INPUT" in result.stderr, result
    result = run("layer", "--username", "u", "--password-fd", "0", "localhost:1/a", input=b"x")
    assert result.rc == 2 and "stdin is read for --password-fd" in result.stderr, result


def test_certificates_may_be_pipes(registry, run, ca, pipes):
    """Certificate and key in one pipe, too: it is copied once for both options."""
    cert, key = ca.issue(name="client", client=True)
    server = registry("d28", tls=ca.server_context(name="pipes", client_ca=ca.cert))

    def read(path):
        with open(path, "rb") as file:
            return file.read()
    authority, one = pipes(read(ca.cert))
    both, two = pipes(read(cert) + read(key))
    result = run("layer", "--cacert", authority, "--cert", both, "--key", both,
                 f"{server.host}/a/b", "-", input=TAR, pass_fds=[one, two])
    assert result.rc == 0, result


def test_layer_descriptor_may_be_a_pipe(registry, run, pipes):
    server = registry("d28")
    layer = run("layer", "--json", f"{server.host}/a/b", "-", input=TAR)
    path, descriptor = pipes(layer.stdout.encode())
    result = run("push", "--layer-descriptor", path, f"{server.host}/a/b:1", pass_fds=[descriptor])
    assert result.rc == 0, result


def test_endless_pipe_is_too_large(run, tmp_path):
    file = tmp_path / "t.tar"
    file.write_bytes(TAR)
    for option, size in [("--authfile", 4 << 20), ("--layer-descriptor", 65536)]:
        with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as writer:
            path = f"/dev/fd/{writer.stdout.fileno()}"
            result = run("push", option, path, "null:", file, pass_fds=[writer.stdout.fileno()])
            writer.kill()
        assert result.rc == 2, result
        assert f"{option} {path} is larger than {size} bytes" in result.stderr


def test_signal_ends_the_reading_of_a_silent_pipe(command):
    reader, writer = os.pipe()
    with command.start("layer", "--authfile", f"/dev/fd/{reader}", "localhost:1/a", "-",
                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       pass_fds=[reader]) as process:
        def waits():
            with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
                caught = next(int(line.split()[1], 16) for line in status
                              if line.startswith("SigCgt"))
            return caught & 1 << signal.SIGTERM - 1
        wait_until(waits, process)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    os.close(reader)
    os.close(writer)
    assert process.returncode == -signal.SIGTERM, err
    assert err == b"layerpipe: interrupted by SIGTERM\n"


def test_login_writes_to_no_pipe(server, run, pipes):
    """login and logout change the file, so a pipe stays an error."""
    path, descriptor = pipes(b"{}")
    result = run("login", "--authfile", path, "--username", "user", "--password-stdin", server.host,
                 input=CANARY.encode(), pass_fds=[descriptor])
    assert result.rc == 2 and "not a regular file" in result.stderr, result
    assert_absent(result.stderr, CANARY)


NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


def as_nobody(command, *args, home):
    """Runs the command as a user who cannot enter the home directory."""
    return subprocess.run([command.path, *map(str, args)], input=TAR, check=False,
                          capture_output=True, env={**command.env, "HOME": str(home)}, **NOBODY)


@pytest.fixture
def closed_home(command):
    if os.geteuid() != 0 or as_nobody(command, "version", home="/").returncode != 0:
        pytest.skip("needs root, and a command that other users can run")
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        home = pathlib.Path(name, "closed")
        write_config(home, {"auths": {}})
        home.chmod(0o700)
        yield home


def test_home_of_another_user_is_no_failure(registry, command, closed_home):
    server = registry("d28")
    result = as_nobody(command, "push", f"{server.host}/a/b:1", "-", home=closed_home)
    assert result.returncode == 0, result
    text = result.stderr.decode()
    assert text.count("config.json cannot be read: Permission denied; going on without it") == 1


def test_home_of_another_user_is_named_when_credentials_are_missing(server, command, closed_home):
    result = as_nobody(command, "push", "-q", f"{server.host}/a/b:1", "-", home=closed_home)
    assert result.returncode == 4, result
    assert "cannot be read: Permission denied" in result.stderr.decode()


def test_file_that_an_option_names_must_be_readable(registry, command, closed_home):
    server = registry("d28")
    result = as_nobody(command, "push", "--authfile", closed_home / ".docker/config.json",
                       f"{server.host}/a/b:1", "-", home=closed_home)
    assert result.returncode == 2, result
    assert "config.json: Permission denied" in result.stderr.decode()


def test_directory_in_place_of_a_file(server, run, command, tmp_path):
    """Docker makes a directory where a bind mount has no file."""
    home = command.home
    (home / ".docker/config.json").mkdir(parents=True)
    result = run("push", "-q", f"{server.host}/a/b:1", "-", input=TAR)
    assert result.rc == 4 and ".docker/config.json is a directory" in result.stderr, result
    result = run("push", "-q", "--authfile", tmp_path, f"{server.host}/a/b:1", "-", input=TAR)
    assert result.rc == 2 and f"{tmp_path}: Is a directory" in result.stderr, result
