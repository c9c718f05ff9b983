# SPDX-License-Identifier: Apache-2.0
"""oci-archive: and docker-archive: as destinations, read by other tools; faults leave nothing."""
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile

import pytest
from archive_support import docker_classic, oci_archive, pack
from cli_support import make_tar, wait_drained
from image_support import INDEX_TYPE, Base
from inputs import random_bytes, random_tar, sha256

EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}
TAG_KEY = "org.opencontainers.image.ref.name"


def members(data):
    """Name -> bytes, in the order of the archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {}
        for member in archive:
            assert member.name not in found and member.isreg()
            assert (member.uid, member.gid, member.mtime, member.mode) == (0, 0, 0, 0o644)
            found[member.name] = archive.extractfile(member).read()
    assert data.endswith(bytes(1024))
    for name, content in found.items():
        if name.startswith("blobs/sha256/"):
            assert sha256(content) == "sha256:" + name.split("/")[2]
    return found


def read(path):
    with open(path, "rb") as file:
        return file.read()


def last_line(result):
    return result.stderr.splitlines()[-1]


def assert_only(path, *names):
    assert sorted(os.listdir(path)) == sorted(names)


@pytest.fixture
def out(tmp_path):
    """An empty directory for archives."""
    path = tmp_path / "out"
    path.mkdir()
    return path


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"needs {program}")


def test_oci_archive_of_a_push(run, out):
    result = run("push", f"oci-archive:{out}/i.tar:1.4", "--tag", "x", input=make_tar({"a": b"1"}),
                 env=EPOCH)
    assert result.rc == 0, result
    found = members(read(out / "i.tar"))
    assert list(found)[0] == "oci-layout" and list(found)[-1] == "index.json"
    entries = json.loads(found["index.json"])["manifests"]
    assert [entry["annotations"][TAG_KEY] for entry in entries] == ["1.4", "x"]
    digest = entries[0]["digest"]
    assert result.stdout == f"oci-archive:{out}/i.tar@{digest}\n"
    assert_only(out, "i.tar")


def test_docker_archive_of_a_push(run, out):
    result = run("push", f"docker-archive:{out}/i.tar:app:1.4", "--tag", "1.5",
                 input=make_tar({"a": b"1"}))
    assert result.rc == 0, result
    found = members(read(out / "i.tar"))
    (image,) = json.loads(found["manifest.json"])
    assert image["RepoTags"] == ["app:1.4", "app:1.5"]
    assert all(name in found for name in [image["Config"], *image["Layers"]])
    names = [entry["annotations"] for entry in json.loads(found["index.json"])["manifests"]]
    assert names[0] == {"io.containerd.image.name": "docker.io/library/app:1.4", TAG_KEY: "1.4"}


@pytest.mark.parametrize("name,tag", [("app", "app:latest"), ("localhost:5000/x/y", "localhost:5000/x/y:latest"),
                                      ("localhost:5000/x:1", "localhost:5000/x:1")])
def test_name_in_docker_archive_gets_a_tag(run, out, name, tag):
    assert run("push", f"docker-archive:{out}/i.tar:{name}", input=make_tar({"a": b"1"})).rc == 0
    assert json.loads(members(read(out / "i.tar"))["manifest.json"])[0]["RepoTags"] == [tag]


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_file_and_stdout_get_the_same_bytes(command, out, kind):
    data = random_tar(3000000)
    results = []
    for dest in [f"{out}/i.tar", f"{out}/j.tar"]:
        assert command.run("push", f"{kind}:{dest}:app:1", "--env", "A=b", input=data, env=EPOCH).rc == 0
        results.append(read(dest))
    spool = out / "spool"
    spool.mkdir()
    process = command("push", "--spool", spool, f"{kind}:-:app:1", "--env", "A=b", input=data, env=EPOCH)
    assert process.returncode == 0, process.stderr
    assert results[0] == results[1] == process.stdout
    assert process.stderr.decode().splitlines()[-1].startswith(f"{kind}:-@sha256:")
    assert_only(spool)


def test_same_layer_is_stored_once(run, out):
    layer = out / "l.tar"
    layer.write_bytes(random_tar(200000))
    assert run("push", f"oci-archive:{out}/i.tar:1", str(layer), str(layer)).rc == 0
    found = members(read(out / "i.tar"))
    assert len([name for name in found if name.startswith("blobs/")]) == 3


def test_streams_that_depend_on_each_other_flow(command, out):
    """The producer writes both pipes in turn: no writer may wait for another one."""
    data = random_tar(8000000)
    pipes = [out / "a", out / "b"]
    for pipe in pipes:
        os.mkfifo(pipe)
    producer = ("import sys\n"
                "data = sys.stdin.buffer.read()\n"
                "files = [open(name, 'wb', 0) for name in sys.argv[1:]]\n"
                "for start in range(0, len(data), 65536):\n"
                "    for file in files:\n"
                "        file.write(data[start:start + 65536])\n")
    with command.start("push", f"oci-archive:{out}/i.tar:1", *map(str, pipes), stdin=subprocess.DEVNULL) as push:
        subprocess.run([sys.executable, "-c", producer, *map(str, pipes)], input=data, check=True)
        assert push.wait() == 0
    assert len(members(read(out / "i.tar"))) == 5


@pytest.mark.parametrize("form", [docker_classic, oci_archive])
@pytest.mark.parametrize("to", ["file", "-"])
def test_copy_of_an_archive(command, out, form, to):
    base = Base([make_tar({"a": random_bytes(30000, "a")}), make_tar({"b": b"2"})])
    dest = "-" if to == "-" else f"{out}/o.tar"
    result = command("copy", "--compress", "none", "-", f"docker-archive:{dest}:app:2", input=pack(form(base)))
    assert result.returncode == 0, result.stderr
    found = members(result.stdout if to == "-" else read(dest))
    (image,) = json.loads(found["manifest.json"])
    assert [found[layer] for layer in image["Layers"]] == base.layers
    assert json.loads(found[image["Config"]]) == base.config


def test_copy_of_a_registry_keeps_digests(run, registry, out):
    server = registry("d28")
    layers = [str(out / name) for name in ("a.tar", "b.tar", "c.tar")]
    for number, layer in enumerate(layers):
        with open(layer, "wb") as file:
            file.write(random_tar(500000, number))
    pushed = run("push", "--json", f"{server.host}/x/y:1", *layers).json()
    contents = []
    for name in ("1.tar", "2.tar"):
        result = run("copy", "--json", f"{server.host}/x/y:1", f"oci-archive:{out}/{name}:1")
        assert result.rc == 0 and result.json()["digest"] == pushed["digest"], result
        contents.append(read(out / name))
    assert contents[0] == contents[1]
    names = list(members(contents[0]))
    assert [f"blobs/sha256/{layer['digest'][7:]}" in names for layer in pushed["layers"]] == [True] * 3


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_printed_reference_names_the_image(run, out, kind):
    """As SOURCE and as DESTINATION; all bytes stay the same."""
    pushed = run("push", f"{kind}:{out}/i.tar:app:1", "--compress", "none", input=random_tar(200000))
    reference = pushed.stdout.strip()
    digest = reference.partition("@")[2]
    assert reference == f"{kind}:{out}/i.tar@{digest}", pushed
    result = run("copy", reference, f"oci:{out}/layout@{digest}")
    assert result.rc == 0 and result.stdout == f"oci:{out}/layout@{digest}\n", result
    result = run("copy", f"{kind}:-@{digest}", f"{kind}:{out}/j.tar@{digest}", input=read(out / "i.tar"))
    assert result.rc == 0, result
    other = "sha256:" + "0" * 64
    result = run("copy", f"{kind}:{out}/i.tar@{other}", f"oci:{out}/layout:2")
    assert result.rc == 5 and f"no manifest {other}" in last_line(result), result
    result = run("copy", reference, f"{kind}:{out}/k.tar@{other}")
    assert result.rc == 9 and digest in last_line(result), result
    assert_only(out, "i.tar", "j.tar", "layout")


@pytest.mark.parametrize("words", [["push"], ["copy", "-"], ["copy", "docker-archive:-"]])
def test_docker_archive_tag_without_name_is_refused_before_the_input(command, out, words):
    """Nothing is written to stdin and nobody closes it."""
    command_line = [*words, "-q", f"docker-archive:{out}/i.tar", "--tag", "1"]
    with command.start(*command_line, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.wait() == 2
        assert b"docker-archive:" + str(out / "i.tar").encode() + b":NAME:TAG" in process.stderr.read()
    assert_only(out)


@needs("skopeo")
def test_skopeo_reads_the_archives(run, out):
    for kind in ("oci-archive", "docker-archive"):
        path = f"{kind}:{out}/i.tar:app:1"
        assert run("push", path, input=random_tar(300000)).rc == 0
        subprocess.run(["skopeo", "copy", "--insecure-policy", "-q", path, f"dir:{out}/dir"], check=True)
        shutil.rmtree(out / "dir")


@needs("umoci")
def test_umoci_reads_the_unpacked_archive(run, out):
    assert run("push", f"oci-archive:{out}/i.tar:1", input=make_tar({"a": b"1"})).rc == 0
    layout = out / "layout"
    layout.mkdir()
    subprocess.run(["tar", "-x", "-f", out / "i.tar", "-C", layout], check=True)
    subprocess.run(["umoci", "stat", "--image", f"{layout}:1"], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_podman_loads_the_archive(command, tool, container_store, kind):
    archive = command("push", f"{kind}:-:lp.example/app:1", input=make_tar({"a": b"1"}))
    load = subprocess.run([tool("podman"), *container_store, "load"], input=archive.stdout, capture_output=True,
                          check=False)
    assert load.returncode == 0, load.stderr
    assert b"lp.example/app:1" in load.stdout


# Faults.


@pytest.mark.parametrize("args,words", [
    (["push", "docker-archive:{}/i.tar:App:1"], "docker-archive"),
    (["push", "docker-archive:{}/i.tar", "--tag", "1"], "NAME:TAG"),
    (["push", "oci-archive:{}:1"], "not a regular file"),
    (["layer", "oci-archive:{}/i.tar"], "single layer"),
])
def test_refused_uses(run, out, args, words):
    result = run(*(arg.format(out) for arg in args), input=make_tar({"a": b"1"}))
    assert result.rc == 2 and words in last_line(result), result
    assert_only(out)


def test_index_is_refused_in_docker_archive(run, out):
    layout = f"oci:{out}/layout"
    for platform in ("linux/amd64", "linux/arm64"):
        assert run("push", "--platform", platform, f"{layout}:{platform[6:]}", input=make_tar({"a": b"1"})).rc == 0
    refs = [f"{layout}:amd64", f"{layout}:arm64"]
    result = run("index", f"docker-archive:{out}/i.tar:app:1", *refs)
    assert result.rc != 0 and "oci-archive:" in last_line(result), result
    assert_only(out, "layout")
    assert run("index", f"{layout}:all", *refs).rc == 0
    result = run("copy", "--all", f"{layout}:all", f"docker-archive:{out}/i.tar:app:1")
    assert result.rc == 1 and "oci-archive:" in last_line(result), result
    assert "blob" not in result.stderr, "no blob is copied before"
    assert run("index", f"oci-archive:{out}/i.tar:1", *refs).rc == 0
    entries = json.loads(members(read(out / "i.tar"))["index.json"])["manifests"]
    assert [entry["mediaType"] for entry in entries] == [INDEX_TYPE]


def test_cut_input_keeps_the_old_file(run, out):
    path = out / "i.tar"
    path.write_bytes(b"old")
    result = run("push", f"oci-archive:{path}:1", input=random_tar(300000)[:-15000])
    assert result.rc == 3, result
    assert read(path) == b"old"
    assert_only(out, "i.tar")


@pytest.mark.parametrize("target", ["missing.tar", "old.tar", "second"])
def test_link_stays_and_its_target_is_written(run, out, target):
    """As with curl -o, tar -cf and a shell's redirection. "second": a link to a link to nothing."""
    elsewhere = out / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "old.tar").write_bytes(b"old")
    (elsewhere / "second").symlink_to("missing.tar")
    (out / "i.tar").symlink_to(f"elsewhere/{target}")
    result = run("push", f"oci-archive:{out}/i.tar:1", input=random_tar(3000))
    assert result.rc == 0, result
    assert os.readlink(out / "i.tar") == f"elsewhere/{target}"
    assert "index.json" in members(read(elsewhere / ("old.tar" if target == "old.tar" else "missing.tar")))
    assert_only(elsewhere, "old.tar", "second", *(() if target == "old.tar" else ("missing.tar",)))


def test_link_in_a_circle_is_named(run, out):
    (out / "i.tar").symlink_to("i.tar")
    result = run("push", f"oci-archive:{out}/i.tar:1", input=random_tar(3000))
    assert result.rc == 8 and "symbolic links" in result.stderr, result
    assert_only(out, "i.tar")


def test_cut_input_never_ends_an_archive_on_stdout(command, out):
    result = command("push", "docker-archive:-:app:1", input=random_tar(300000)[:-15000])
    assert result.returncode == 3
    assert not result.stdout.endswith(bytes(1024)) and b"manifest.json" not in result.stdout


def test_full_disk_leaves_nothing(command, out):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, 200000))
    result = command("push", f"oci-archive:{out}/i.tar:1", input=random_tar(3000000),
                     preexec_fn=limit)
    assert result.returncode == 8, result.stderr
    assert f"{out}/i.tar".encode() in result.stderr
    assert_only(out)


def test_full_device_at_stdout(command):
    with open("/dev/full", "wb") as full:
        result = command("push", "oci-archive:-:1", input=random_tar(300000), stdout=full)
    assert result.returncode == 8, result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_signal_leaves_nothing(command, out, number):
    with command.start("push", f"oci-archive:{out}/i.tar:1", stdin=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as push:
        push.stdin.write(random_tar(3000000)[:2000000])
        push.stdin.flush()
        wait_drained(push.stdin, push)
        push.send_signal(number)
        assert push.wait() == -number
    assert_only(out)


def test_sigint_ends_a_wait_for_the_reader_of_stdout(command, out):
    layer = out / "l.tar"
    layer.write_bytes(random_tar(3000000))
    assert command.run("push", f"oci:{out}/layout:1", layer).rc == 0
    with command.start("copy", f"oci:{out}/layout:1", "oci-archive:-:1", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as copy:
        assert copy.stdout.read(1) == b"o"
        copy.send_signal(signal.SIGINT)
        assert copy.wait() == -signal.SIGINT
