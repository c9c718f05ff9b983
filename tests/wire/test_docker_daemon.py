# SPDX-License-Identifier: Apache-2.0
"""docker load and docker save of a real daemon, which starts once for each test."""
import pytest
from archive_forms import FORMS
from archive_support import pack
from cli_support import make_tar
from docker_daemon import DockerDaemon
from image_support import Base, encode
from inputs import random_bytes, sha256


@pytest.fixture
def docker():
    daemon = DockerDaemon()
    yield daemon
    daemon.stop()


def image(seed):
    return Base([make_tar({seed: random_bytes(20000, seed)}), make_tar({"same": b"for all"})], Env=["A=b"])


def test_docker_loads_what_came_from_every_form(run, command, docker_registry, docker):
    """The image ID is the digest of the config, so it is the one of the first archive."""
    server = docker_registry()
    for form, make in FORMS.items():
        base = image(form)
        reference = f"{server.host}/from/{form}:1"
        assert run("copy", "-", reference, input=pack(make(base))).rc == 0
        name = f"lp.example/{form}:1"
        out = command("copy", reference, f"docker-archive:-:{name}")
        assert name.encode() in docker("load", input=out.stdout), form
        assert docker.image_id(name) == sha256(encode(base.config)), form


def test_docker_saves_what_was_pushed(run, command, docker_registry, docker):
    """push, docker load, docker save of two images, copy: the config keeps its bytes."""
    server, digests = docker_registry(), {}
    for name in ("one", "two"):
        layer = make_tar({name: random_bytes(30000, name)})
        pushed = run("push", "--json", "--cmd", "/x", f"{server.host}/{name}:1", input=layer).json()
        digests[name] = pushed["config"]["digest"]
        out = command("copy", pushed["reference"], f"docker-archive:-:lp.example/{name}:1")
        docker("load", input=out.stdout)
    saved = docker("save", "lp.example/one:1", "lp.example/two:1")
    result = run("copy", "-", f"{server.host}/back:1", input=saved)
    assert result.rc == 5 and "lp.example/one:1" in result.stderr, result
    for name, digest in digests.items():
        target = f"{server.host}/back:{name}"
        result = run("copy", f"docker-archive:-:lp.example/{name}:1", target, input=saved)
        assert result.rc == 0, result
        shown = run("inspect", "--json", target).json()
        assert shown["manifest"]["config"]["digest"] == digest
