# SPDX-License-Identifier: Apache-2.0
"""Image archives in every form that programs write: archive, registry, archive, and read by others.
Config and layers stay what they were; so do manifests that come with compressed layers."""
import gzip
import io
import json
import os
import subprocess
import tarfile

import pytest
from archive_forms import COMPRESSED, FORMS, WITH_MANIFEST, attested
from archive_support import compressed, pack
from cli_support import COMMAND, environment_without_leak_check, make_tar
from image_support import Base, encode
from inputs import random_bytes, sha256

IMAGE = "round/trip"


def image():
    """The third layer is the first one again."""
    first = make_tar({"a": random_bytes(40000, "a"), "bin/sh": b"#!\n"})
    return Base([first, make_tar({"b": random_bytes(20000, "b")}), first], Env=["A=b"])


def members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive
                if member.isreg()}


def inflate(data):
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def push(run, server, data, *options):
    result = run("copy", "--json", *options, "-", f"{server.host}/{IMAGE}:1", input=data)
    assert result.rc == 0, result
    return result.json()


@pytest.mark.parametrize("form", FORMS)
def test_into_a_registry_and_out_again(run, command, docker_registry, form):
    """What the registry has, and the archives that are made of it, have the config and the layers of
    the first archive."""
    server, base = docker_registry(), image()
    pushed = push(run, server, pack(FORMS[form](base)))
    if form in WITH_MANIFEST:
        kept = compressed(base) if form in COMPRESSED else base
        assert pushed["digest"] == kept.digest
    reference = pushed["reference"]
    for kind in ("docker-archive", "oci-archive"):
        out = command("copy", reference, f"{kind}:-:app:1")
        assert out.returncode == 0, out.stderr
        found = members(out.stdout)
        manifest = json.loads(found["blobs/sha256/" + pushed["digest"][7:]])
        config = found["blobs/sha256/" + manifest["config"]["digest"][7:]]
        layers = [found["blobs/sha256/" + layer["digest"][7:]] for layer in manifest["layers"]]
        assert config == encode(base.config)
        assert [inflate(layer) for layer in layers] == base.layers
        again = push(run, server, out.stdout, *(["--compress", "none"] if form == "oci" else []))
        assert (again["digest"], again["blobs"]["copied"]) == (pushed["digest"], 0)


@pytest.mark.parametrize("form", FORMS)
def test_straight_into_another_archive(command, form):
    """Without a registry in between, through pipes only."""
    base, data = image(), pack(FORMS[form](image()))
    out = command("copy", "-", "docker-archive:-:app:1", input=data)
    if form == "oci":  # known at its end only: the layers must then be written again as they were
        assert out.returncode == 1 and b"set --compress to none" in out.stderr
        out = command("copy", "oci-archive:-", "docker-archive:-:app:1", input=data)
    assert out.returncode == 0, out.stderr
    found = members(out.stdout)
    (listed,) = json.loads(found["manifest.json"])
    assert found[listed["Config"]] == encode(base.config)
    assert [inflate(found[name]) for name in listed["Layers"]] == base.layers


@pytest.mark.parametrize("form", FORMS)
def test_skopeo_reads_both_ends_as_one_image(run, command, docker_registry, tool, tmp_path, form):
    """The archive as it came and as it left: skopeo sees the same config."""
    skopeo, server, base = tool("skopeo"), docker_registry(), image()
    source = tmp_path / "in.tar"
    source.write_bytes(pack(FORMS[form](base)))
    kind = "oci-archive" if form in ("oci", "buildkit-oci") else "docker-archive"
    reference = push(run, server, source.read_bytes())["reference"]
    for end in ("docker-archive", "oci-archive"):
        assert run("copy", reference, f"{end}:{tmp_path}/{end}.tar:app:1").rc == 0
    shown = [subprocess.run([skopeo, "inspect", "--config", "--raw", name], check=True,
                            capture_output=True).stdout
             for name in (f"{kind}:{source}", f"docker-archive:{tmp_path}/docker-archive.tar",
                          f"oci-archive:{tmp_path}/oci-archive.tar")]
    assert [sha256(text) for text in shown] == [sha256(encode(base.config))] * 3


@pytest.mark.parametrize("form", FORMS)
def test_cat_inspect_and_base_of_a_file(run, command, tmp_path, form):
    """A file is read without a copy."""
    base, archive = image(), tmp_path / "a.tar"
    archive.write_bytes(pack(FORMS[form](base)))
    name = f"{'oci-archive' if form in ('oci', 'buildkit-oci') else 'docker-archive'}:{archive}"
    shown = run("inspect", "--json", name).json()
    assert shown["config"] == base.config
    assert shown["manifest"]["config"]["digest"] == sha256(encode(base.config))
    if form in WITH_MANIFEST:
        kept = compressed(base) if form in COMPRESSED else base
        assert shown["digest"] == kept.digest
        assert run("inspect", "--json", shown["reference"]).json() == shown
    out = command("cat", name)
    assert out.returncode == 0, out.stderr
    assert members(out.stdout) == {name: data for layer in base.layers
                                   for name, data in members(layer).items()}
    assert [command("cat", "--layer", str(number + 1), name).stdout for number in range(3)] == base.layers
    pushed = run("push", "--json", "--base", name, "--env", "C=d", f"oci:{tmp_path}/layout:1").json()
    diff_ids = run("inspect", "--json", pushed["reference"]).json()["config"]["rootfs"]["diff_ids"]
    assert diff_ids == base.config["rootfs"]["diff_ids"]


@pytest.mark.parametrize("form", ["docker-24", "oci", "rules_oci"])
def test_changed_member_never_completes_a_tar(command, tmp_path, form):
    base, archive = image(), tmp_path / "a.tar"
    data = bytearray(pack(FORMS[form](base)))
    name = f"{'oci-archive' if form == 'oci' else 'docker-archive'}:{archive}"
    whole = data.index(base.layers[1][:600]) if form != "rules_oci" else data.index(b"\x1f\x8b")
    data[whole + 700] ^= 1
    archive.write_bytes(data)
    out = command("cat", name)
    assert out.returncode in (3, 9) and not out.stdout.endswith(bytes(1024)), out.stderr


def test_file_that_cannot_be_read_in_part(run, command, tmp_path):
    archive, data = tmp_path / "a.tar", pack(FORMS["docker-24"](image()))
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data))
    result = run("cat", f"docker-archive:{tmp_path}/a.tar.gz")
    assert result.rc == 1 and "is compressed as a whole" in result.stderr, result
    assert f"layerpipe copy docker-archive:{tmp_path}/a.tar.gz oci:DIR" in result.stderr, result
    result = run("inspect", "docker-archive:-", input=data)
    assert result.rc == 1 and "on stdin is not a file" in result.stderr, result
    result = run("inspect", f"docker-archive:{archive}")
    assert result.rc == 3 and "No such file" in result.stderr, result
    archive.write_bytes(data[:len(data) // 2])
    result = run("inspect", f"docker-archive:{archive}")
    assert result.rc == 3, result
    archive.write_bytes(data)
    result = run("inspect", f"docker-archive:{archive}:other:1")
    assert result.rc == 5 and "has no image other:1; it has: app:1" in result.stderr, result
    result = run("inspect", f"oci-archive:{archive}")
    assert result.rc == 3 and "use docker-archive:" in result.stderr, result


def test_only_what_is_needed_is_read(run, tmp_path):
    """inspect of a large OCI archive: the layers are not read."""
    base, archive = Base([bytes(512) + bytes(64 << 20)]), tmp_path / "a.tar"
    archive.write_bytes(pack(FORMS["oci"](base)))
    trace = tmp_path / "trace"
    done = subprocess.run(["strace", "-f", "-e", "trace=pread64,read", "-o", trace, COMMAND, "inspect",
                           f"oci-archive:{archive}"], capture_output=True, check=False,
                          env=environment_without_leak_check(os.environ))
    if done.returncode != 0 and b"ptrace" in done.stderr:
        pytest.skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr
    sizes = [line.rpartition("= ")[2] for line in trace.read_text().splitlines() if "= " in line]
    assert sum(int(size) for size in sizes if size.isdigit()) < 12 << 20


def test_attestations_travel_with_all(run, docker_registry):
    server, base = docker_registry(), image()
    entries, (child, proof, index) = attested(base)
    result = run("copy", "--json", "--all", "-", f"{server.host}/{IMAGE}:all", input=pack(entries))
    assert result.rc == 0 and result.json()["digest"] == sha256(index), result
    assert result.json()["manifests"] == 3
    shown = run("inspect", "--json", f"{server.host}/{IMAGE}@{proof.digest}").json()
    assert shown["digest"] == proof.digest
    result = run("copy", "--json", "--platform", "linux/amd64", "-", f"{server.host}/{IMAGE}:one",
                 input=pack(entries))
    assert result.rc == 0 and result.json()["digest"] == child.digest, result


def test_platforms_that_are_not_in_the_archive(run, docker_registry):
    """docker save with containerd names all platforms of the index and has one of them."""
    server, base = docker_registry(), image()
    data = pack(FORMS["docker-containerd"](base))
    result = run("copy", "--all", "-", f"{server.host}/{IMAGE}:1", input=data)
    assert result.rc == 5 and "the image archive has no manifest" in result.stderr, result
    assert not server.tags(IMAGE)
    result = run("copy", "--json", "--platform", "linux/amd64", "-", f"{server.host}/{IMAGE}:1",
                 input=data)
    assert result.rc == 0 and result.json()["digest"] == compressed(base).digest, result


# Archives of the programs themselves. Both store an image under the digest of its config.


class Containers:
    """podman and buildah with one store. Skips the test if they cannot work here."""

    def __init__(self, tool, store):
        self.tool, self.store = tool, store

    def __call__(self, program, *words, **options):
        more = ["--events-backend", "none", "--cgroup-manager", "cgroupfs"] if program == "podman" else []
        done = subprocess.run([self.tool(program), *self.store, *more, *words], capture_output=True,
                              check=False, **options)
        assert done.returncode == 0, (program, words, done.stderr)
        return done.stdout

    def image(self, name, files):
        """Imports a tar; returns the image's ID."""
        done = subprocess.run([self.tool("podman"), *self.store, "import", "-q", "-", name],
                              input=make_tar(files), capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"podman cannot import an image here: {done.stderr.decode()}")
        return done.stdout.decode().strip()

    def load(self, data, name):
        """Loads an archive; returns the ID of the image with this name."""
        self("podman", "load", "-q", input=data)
        return self("podman", "image", "inspect", "--format", "sha256:{{.Id}}", name).decode().strip()


@pytest.fixture
def containers(tool, container_store):
    return Containers(tool, container_store)


def config_digest(run, reference):
    return run("inspect", "--json", reference).json()["manifest"]["config"]["digest"]


@pytest.mark.parametrize("form", FORMS)
def test_podman_loads_what_came_out(run, command, docker_registry, containers, form):
    server, base = docker_registry(), image()
    reference = push(run, server, pack(FORMS[form](base)))["reference"]
    out = command("copy", reference, "docker-archive:-:lp.example/app:1")
    assert containers.load(out.stdout, "lp.example/app:1") == sha256(encode(base.config))


@pytest.mark.parametrize("kind,options", [
    ("docker-archive", []), ("oci-archive", []), ("oci-archive", ["--uncompressed"])])
def test_podman_save_and_load(run, command, docker_registry, containers, kind, options):
    """The image has the same ID; an OCI archive has the same digest."""
    server = docker_registry()
    image_id = containers.image("localhost/app:1", {"a": random_bytes(50000, "a")})
    data = containers("podman", "save", "-q", "--format", kind, *options, "localhost/app:1")
    pushed = push(run, server, data)
    assert config_digest(run, pushed["reference"]) == image_id
    if kind == "oci-archive":
        index = json.loads(members(data)["index.json"])
        assert pushed["digest"] == index["manifests"][0]["digest"]
    out = command("copy", pushed["reference"], f"{kind}:-:localhost/back:1")
    assert containers.load(out.stdout, "localhost/back:1") == image_id


def test_podman_save_of_several_images(run, docker_registry, containers):
    server = docker_registry()
    ids = {name: containers.image(f"localhost/{name}:1", {name: random_bytes(20000, name)})
           for name in ("one", "two")}
    data = containers("podman", "save", "-q", "-m", "localhost/one:1", "localhost/two:1")
    result = run("copy", "-", f"{server.host}/{IMAGE}:1", input=data)
    assert result.rc == 5 and "localhost/one:1, localhost/two:1" in result.stderr, result
    for name, image_id in ids.items():
        target = f"{server.host}/{IMAGE}:{name}"
        assert run("copy", f"docker-archive:-:localhost/{name}:1", target, input=data).rc == 0
        assert config_digest(run, target) == image_id


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_buildah_push(run, command, docker_registry, containers, tmp_path, kind):
    """An image of two layers with settings."""
    server, names = docker_registry(), []
    containers.image("localhost/base:1", {"base": random_bytes(30000, "base")})
    (tmp_path / "file").write_bytes(random_bytes(20000, "file"))
    names.append(containers("buildah", "from", "localhost/base:1").decode().strip())
    containers("buildah", "copy", "-q", names[0], tmp_path / "file", "/data/file")
    containers("buildah", "config", "--env", "A=b", "--cmd", "/x", "--label", "l=m", names[0])
    image_id = "sha256:" + containers("buildah", "commit", "-q", names[0],
                                      "localhost/app:1").decode().strip()
    archive = tmp_path / "archive.tar"
    containers("buildah", "push", "-q", "localhost/app:1", f"{kind}:{archive}:localhost/app:1")
    pushed = push(run, server, archive.read_bytes())
    assert config_digest(run, pushed["reference"]) == image_id
    out = command("copy", pushed["reference"], f"{kind}:-:localhost/back:1")
    assert containers.load(out.stdout, "localhost/back:1") == image_id
    shown = containers("podman", "image", "inspect", "localhost/back:1")
    assert json.loads(shown)[0]["Labels"]["l"] == "m"
