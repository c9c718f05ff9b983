# SPDX-License-Identifier: Apache-2.0
"""Proxies from the environment: which requests use which proxy, and where each password is sent."""
import socket

import pytest
from auth_support import CANARY, assert_absent, entry, write_config
from registry import Auth
from servers import ConnectProxy

NAME = "registry.example"
PROXY_SECRET = "pr0xyKanary8Xw2"


@pytest.fixture
def proxy():
    """proxy(ports, credentials): starts a proxy that records its requests."""
    running = []

    def start(ports=None, **options):
        running.append(ConnectProxy(ports or {}, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def server(registry, ca):
    found = registry("d28", name=NAME, tls=ca.server_context(name=NAME, hosts=[NAME]),
                     auth=Auth("basic", users={"user": CANARY}))
    found.arguments = ["--cacert", ca.cert]
    return found


def login(run, host, env, *options):
    result = run("login", "--username", "user", "--password-stdin", "-v", *options, host, input=CANARY.encode(), env=env)
    assert_absent(result.stderr, CANARY)
    assert_absent(result.stderr, PROXY_SECRET, "proxyuser")
    return result


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_https_uses_proxy_of_each_variable(variable, run, server, proxy):
    through = proxy({NAME: server.port})
    result = login(run, NAME, {variable: through.url}, *server.arguments)
    assert result.rc == 0, result
    assert through.asked and set(through.asked) == {NAME + ":443"}


def test_lower_case_variable_has_priority(run, server, proxy):
    good, bad = proxy({NAME: server.port}), proxy()
    env = {"https_proxy": good.url, "HTTPS_PROXY": bad.url, "ALL_PROXY": bad.url}
    assert login(run, NAME, env, *server.arguments).rc == 0
    assert bad.asked == []


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_http_uses_proxy_of_each_variable(variable, run, proxy):
    through = proxy()
    result = login(run, NAME, {variable: through.url}, "--plain-http")
    assert result.rc == 0, result  # the proxy's answer looks like a registry without passwords
    assert set(through.asked) == {f"http://{NAME}/v2/"}
    for head in through.heads:
        assert "authorization" not in head.lower()


def test_https_does_not_use_http_proxy(run, server, proxy):
    good, other = proxy({NAME: server.port}), proxy()
    env = {"HTTPS_PROXY": good.url, "HTTP_PROXY": other.url, "http_proxy": other.url}
    assert login(run, NAME, env, *server.arguments).rc == 0
    assert other.asked == []


def test_HTTP_PROXY_is_ignored_in_cgi(run, proxy):
    """In a CGI program, HTTP_PROXY is the Proxy header of a web client."""
    evil, good = proxy(), proxy()
    env = {"REQUEST_METHOD": "GET", "HTTP_PROXY": evil.url, "all_proxy": good.url}
    assert login(run, NAME, env, "--plain-http").rc == 0
    assert evil.asked == [] and good.asked


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("value, direct", [
    (NAME, True), ("example", True), (".example", True), ("other, " + NAME, True), ("*", True),
    (NAME.upper(), True), ("gistry.example", False), ("registry", False), ("", False),
    ("registry.example.org", False), ("10.0.0.0/8", False), ("*.example", True),
    ("*." + NAME, False), (NAME + ":80", True), (NAME + ":443", False)])
def test_NO_PROXY_decides_whether_proxy_is_used(variable, value, direct, run, proxy, tar_bytes):
    """The name has no address, so a direct connection fails. Only requests to the proxy count."""
    through = proxy()
    result = run("layer", "--plain-http", "--retry", "0", f"{NAME}/a", input=tar_bytes,
                 env={"HTTP_PROXY": through.url, variable: value})
    assert (through.asked == []) == direct, result
    assert result.rc in ((6,) if direct else (7, 9))  # the proxy's answers are not a registry's


def test_loopback_registry_does_not_use_proxy(run, registry, proxy):
    server = registry("d28", auth=Auth("basic", users={"user": CANARY}))
    through = proxy()
    env = {name: through.url for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY")}
    assert login(run, server.host, env).rc == 0
    assert through.asked == []


# Secrets.

def test_proxy_and_registry_get_only_their_own_password(run, server, proxy):
    through = proxy({NAME: server.port}, credentials="proxyuser:" + PROXY_SECRET)
    url = through.url.replace("://", f"://proxyuser:{PROXY_SECRET}@")
    result = login(run, NAME, {"HTTPS_PROXY": url}, "-v", *server.arguments)
    assert result.rc == 0, result
    for head in through.heads:
        assert "\nauthorization:" not in head.lower() and CANARY not in head
        assert "\nproxy-authorization: basic" in head.lower()
    for request in server.journal:
        assert "proxy-authorization" not in request.headers
    assert any("authorization" in request.headers for request in server.journal)


@pytest.mark.parametrize("password", ["p@ss", "a/b#c?d", "100%", "p%40ss"])
def test_proxy_password_with_any_character_is_sent(password, run, server, proxy):
    """Proxy variables contain the password as plain text, although a URL would need escapes."""
    through = proxy({NAME: server.port}, credentials="proxyuser:" + password.replace("%40", "@"))
    url = through.url.replace("://", f"://proxyuser:{password}@")
    assert login(run, NAME, {"HTTPS_PROXY": url}, *server.arguments).rc == 0


def test_closed_proxy_port_error_names_proxy_and_variable(run, tar_bytes):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    result = run("layer", "--retry", "0", f"{NAME}/a", input=tar_bytes,
                 env={"HTTPS_PROXY": f"http://user:{PROXY_SECRET}@127.0.0.1:{port}"})
    assert result.rc == 6, result
    assert f"the proxy 127.0.0.1:{port} (HTTPS_PROXY): " in result.stderr.splitlines()[-1], result
    assert_absent(result.stderr, PROXY_SECRET)


@pytest.mark.parametrize("options", ["--cacert", "--tls-verify=false", "SSL_CERT_FILE"])
def test_https_proxy_with_private_authority_needs_it(options, run, server, proxy, ca):
    """The certificate options apply to the proxy and to the registry."""
    through = proxy({NAME: server.port}, tls=ca.server_context(name="proxy", hosts=["localhost"]))
    env = {"HTTPS_PROXY": through.url}
    if options == "SSL_CERT_FILE":
        env["SSL_CERT_FILE"] = ca.cert
    arguments = {"--cacert": server.arguments, "SSL_CERT_FILE": []}.get(options, [options])
    assert login(run, NAME, env, *arguments).rc == 0
    refused = login(run, NAME, {"HTTPS_PROXY": through.url})
    assert refused.rc == 6 and f"the proxy {through.host} (HTTPS_PROXY): " in refused.stderr
    assert "--cacert" in refused.stderr


@pytest.mark.parametrize("password", ["", ":wrong" + PROXY_SECRET])
def test_407_of_proxy_fails_once_and_names_proxy(password, run, server, proxy):
    """The error names the proxy without its password; there is one request."""
    through = proxy({NAME: server.port}, credentials="proxyuser:" + PROXY_SECRET)
    url = through.url.replace("://", f"://proxyuser{password}@") if password else through.url
    result = login(run, NAME, {"HTTPS_PROXY": url}, *server.arguments)
    assert result.rc == 4, result
    assert f"the proxy {through.host} (HTTPS_PROXY) answered 407" in result.stderr.splitlines()[-1], result
    assert "layerpipe login" not in result.stderr, "the proxy's password is not the registry's"
    assert len(through.asked) == 1
    assert len(server.journal) == 0


def test_502_of_proxy_is_retried_and_names_proxy(command, run, server, proxy, tar_bytes):
    through = proxy({})
    write_config(command.home, {"auths": {NAME: entry()}})
    result = run("layer", "--retry", "1", *server.arguments, f"{NAME}/a", input=tar_bytes,
                 env={"HTTPS_PROXY": through.url})
    assert result.rc == 6, result
    assert f"the proxy {through.host} (HTTPS_PROXY) answered 502" in result.stderr.splitlines()[-1], result
    assert len(through.asked) == 2


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 200])
def test_passing_failure_of_proxy_is_retried(status, command, run, server, proxy, tar_bytes):
    """200: the connection behind the proxy ends within the TLS handshake."""
    through = proxy({NAME: server.port}, refusals=[status])
    write_config(command.home, {"auths": {NAME: entry()}})
    result = run("layer", *server.arguments, f"{NAME}/a", input=tar_bytes,
                 env={"HTTPS_PROXY": through.url})
    assert result.rc == 0, result
    assert len(through.asked) >= 2


def test_connection_that_always_ends_within_handshake_is_named(run, server, proxy):
    through = proxy({NAME: server.port}, refusals=[200] * 10)
    result = login(run, NAME, {"HTTPS_PROXY": through.url}, *server.arguments)
    assert result.rc == 6, result
    last = result.stderr.splitlines()[-1]
    assert "the connection ended within the TLS handshake (3 attempts)" in last, result
    assert "certificate" not in last, result
    assert len(through.asked) == 3, "as with a host that does not answer at all"


def test_403_of_proxy_advises_about_the_proxy(run, server, proxy):
    through = proxy({NAME: server.port}, refusals=[403])
    result = login(run, NAME, {"HTTPS_PROXY": through.url}, *server.arguments)
    assert result.rc == 4, result
    assert "NO_PROXY" in result.stderr and "layerpipe login" not in result.stderr, result
    assert len(through.asked) == 1


def test_407_of_http_proxy_names_proxy(run, proxy):
    through = proxy(credentials="proxyuser:" + PROXY_SECRET)
    result = login(run, NAME, {"HTTP_PROXY": through.url}, "--plain-http")
    assert result.rc == 4 and f"the proxy {through.host} (HTTP_PROXY) answered 407" in result.stderr, result


@pytest.mark.parametrize("url", [f"http://proxyuser:{PROXY_SECRET}@proxy.invalid:99999",
                                 f"gopher://proxyuser:{PROXY_SECRET}@proxy.invalid:1",
                                 f"http://proxyuser:{PROXY_SECRET}@:1",
                                 f"proxyuser:{PROXY_SECRET}@proxy.invalid:99999"])
def test_malformed_proxy_url_error_does_not_show_password(url, run, server):
    result = login(run, NAME, {"HTTPS_PROXY": url}, *server.arguments)
    assert result.rc == 2, result
    assert "proxy" in result.stderr
