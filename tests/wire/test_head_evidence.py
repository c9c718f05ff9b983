# SPDX-License-Identifier: Apache-2.0
"""HEAD of a blob without evidence is no evidence: what a web server says to everything, and registries
that do not allow HEAD."""
import http.server
import threading

import pytest
from registry import Fault
from registry.storage import digest_of
from test_upload_mount import add_base
from wire_support import REPOSITORY, noise

DATA = noise(300_000)
EMPTY_YES = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
OPTIONS = ["--raw", "--media-type", "application/x.test", "--compress", "none", "--retry", "0"]
# HEAD follows the PUT of a blob that was sent in several requests.
LARGE = noise(3 << 20)
CHUNKED = [*OPTIONS, "--upload", "chunked", "--chunk-size", "1M"]


def yes_to_everything():
    return Fault("blob-head", "answer", raw=EMPTY_YES, times=None)


def no_head(status):
    return Fault("blob-head", "status", status=status, times=None)


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.close_connection = True
        self.wfile.write(EMPTY_YES + (b"" if self.command == "HEAD" else b"2\r\nhi\r\n0\r\n\r\n"))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize("subcommand", ["layer", "push"])
def test_a_web_server_that_answers_everything(subcommand, run):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            tag = ":tag" if subcommand == "push" else ""
            result = run(subcommand, *OPTIONS, f"127.0.0.1:{server.server_port}/{REPOSITORY}{tag}", "-",
                         input=DATA)
        finally:
            server.shutdown()
            thread.join()
    assert result.rc != 0 and result.stdout == "", result


@pytest.mark.parametrize("fault", [yes_to_everything(), no_head(405), no_head(501)],
                         ids=["yes", "405", "501"])
@pytest.mark.parametrize("subcommand", ["layer", "push"])
def test_the_blob_is_sent(subcommand, fault, run, registry):
    server = registry("d28", fault)
    tag = ":tag" if subcommand == "push" else ""
    result = run(subcommand, "--json", *OPTIONS, f"{server.host}/{REPOSITORY}{tag}", "-", input=DATA)
    assert result.rc == 0, result
    assert server.blob(REPOSITORY, digest_of(DATA)) == DATA
    if subcommand == "push":
        config = server.manifest(REPOSITORY, "tag")["config"]["digest"]
        assert server.blob(REPOSITORY, config) is not None


@pytest.mark.parametrize("fault", [yes_to_everything(), no_head(405)], ids=["yes", "405"])
def test_a_base_is_copied_or_mounted(fault, run, registry):
    server = registry("d28")
    base = add_base(server)
    server.faults.add(fault)
    result = run("push", *OPTIONS, "--base", base, f"{server.host}/{REPOSITORY}:tag", "-", input=DATA)
    assert result.rc == 0, result
    for layer in server.manifest(REPOSITORY, "tag")["layers"]:
        assert server.blob(REPOSITORY, layer["digest"]) is not None


@pytest.mark.parametrize("fault", [yes_to_everything(), no_head(405)], ids=["yes", "405"])
def test_a_layer_that_must_be_there(fault, run, registry, tmp_path):
    """With a descriptor only there is nothing to send: the message says what is not known."""
    server = registry("d28")
    layer = run("layer", "--json", *OPTIONS, f"{server.host}/{REPOSITORY}", "-", input=DATA)
    assert layer.rc == 0
    descriptor = tmp_path / "layer.json"
    descriptor.write_text(layer.stdout)
    server.faults.add(fault)
    result = run("push", "--retry", "0", "--layer-descriptor", str(descriptor),
                 f"{server.host}/{REPOSITORY}:tag", input=None)
    assert result.rc == 7 and "does not say whether it has the blob" in result.stderr, result
    assert server.tags() == {}


@pytest.mark.parametrize("status, rc", [(201, 0), (202, 7), (204, 7)])
def test_after_the_put_a_201_shows_it_and_an_empty_head_does_not(status, rc, run, registry):
    """Whatever answered the PUT: a HEAD without size and digest adds nothing to it."""
    server = registry("d28", Fault("commit", "answer", status=status),
                      Fault("blob-head", "answer", raw=EMPTY_YES, times=None,
                            when=lambda _: server.blobs()))
    result = run("layer", *CHUNKED, f"{server.host}/{REPOSITORY}", "-", input=LARGE)
    assert result.rc == rc, result
    assert (result.stdout == "") == (rc != 0)


def test_after_the_put_another_digest_is_a_failure(run, registry):
    other = {"Docker-Content-Digest": "sha256:" + "1" * 64}
    server = registry("d28", Fault("blob-head", "answer", headers=other, times=None,
                                   when=lambda _: server.blobs()))
    result = run("layer", *CHUNKED, f"{server.host}/{REPOSITORY}", "-", input=LARGE)
    assert result.rc == 9 and result.stdout == "", result
