# SPDX-License-Identifier: Apache-2.0
"""Whole images in one command: base, layers, config, tags; and what others make of them."""
import gzip
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile

import pytest
from cli_support import make_tar
from image_support import LAYER_TYPES, Base, sources, stored_config
from inputs import sha256
from registry import Fault
from wire_support import assert_history

BASE = "lib/base"
NAME = "app/image"
EDITS = ["--env", "LANG=C.UTF-8", "--env", "A=1", "--env", "A=2", "--entrypoint", "/bin/app -x",
         "--cmd", '["--port","80"]', "--user", "app:app", "--workdir", "/srv", "--label", "b=2",
         "--label", "a=1", "--port", "80", "--port", "53/udp", "--volume", "/data",
         "--stop-signal", "SIGTERM", "--author", "A. U. Thor", "--created", "1700000000",
         "--history", "tar -c app", "--annotation", "note=yes"]
STEPS_OF_A_LOOK = {"ping", "token", "blob-head", "manifest-head", "manifest-get"}


def push(run, server, *arguments, name=NAME, tag="1", **options):
    return run("push", "--json", *arguments[:-1], f"{server.host}/{name}:{tag}", arguments[-1],
               **options)


def test_every_edit_shows(run, registry, tar_bytes):
    server = registry("d28")
    base = Base(Env=["PATH=/bin", "A=0"], Cmd=["sh"], Labels={"kept": "yes"}, Shell=["/bin/bash"])
    base.config["x-unknown"] = {"kept": [1, 2]}
    base.config["history"] = [{"created_by": "one"}, {"created_by": "none", "empty_layer": True},
                              {"created_by": "two"}]
    told = push(run, server, "--base", base.put(server, BASE, "1"), *EDITS, "-",
                input=tar_bytes).json()
    assert sources(told) == ["mounted", "mounted", "streamed"]
    assert len(server.journal.entries("mount")) == 2
    manifest = server.manifest(NAME, "1")
    assert manifest["annotations"] == {
        "note": "yes", "org.opencontainers.image.base.digest": base.digest,
        "org.opencontainers.image.base.name": f"{server.host}/{BASE}:1"}
    config = stored_config(server, NAME, manifest)
    assert config["config"] == {
        "Env": ["PATH=/bin", "A=2", "LANG=C.UTF-8"], "Entrypoint": ["/bin/app", "-x"],
        "Cmd": ["--port", "80"], "User": "app:app", "WorkingDir": "/srv",
        "Labels": {"a": "1", "b": "2", "kept": "yes"}, "Shell": ["/bin/bash"],
        "ExposedPorts": {"53/udp": {}, "80/tcp": {}}, "Volumes": {"/data": {}},
        "StopSignal": "SIGTERM"}
    assert config["author"] == "A. U. Thor"
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert config["x-unknown"] == {"kept": [1, 2]}
    assert config["rootfs"]["diff_ids"] == [sha256(layer) for layer in base.layers] + \
        [sha256(tar_bytes)]
    assert config["history"] == base.config["history"] + [
        {"created": "2023-11-14T22:13:20Z", "created_by": "tar -c app"}]
    assert server.open_sessions() == []
    assert_history(server)


def test_order_of_requests(run, registry, tar_bytes):
    """Blobs, config, manifest under its first tag, the other tags; nothing after that."""
    server = registry("d28")
    told = push(run, server, "--tag", "2", "--tag", "3", "--tag", "1", "-", input=tar_bytes).json()
    assert told["tags"] == ["1", "2", "3"]
    assert server.tags(NAME) == {tag: told["digest"] for tag in "123"}
    steps = server.journal.steps()
    first_put = steps.index("manifest-put")
    assert "commit" not in steps[first_put:]
    assert steps.count("commit") == 2
    assert steps.count("manifest-put") == 3
    assert [entry.path.rsplit("/", 1)[1] for entry in server.journal.entries("manifest-put")] == \
        ["1", "2", "3"]


def test_same_streams_same_digest(run, registry, tar_bytes):
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    digests = set()
    for threads in ("0", "1", "3"):
        server = registry("d28")
        told = push(run, server, "--platform", "linux/arm64", "--threads", threads, "-",
                    input=tar_bytes, env=env).json()
        digests.add(told["digest"])
    assert len(digests) == 1


def test_files_again_are_looked_for_only(run, registry, tmp_path, tar_bytes):
    """The second time nothing is sent, not even the manifest."""
    server = registry("d28")
    paths = [tmp_path / f"{number}.tar" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(make_tar({f"file{number}": os.urandom(10000)}))
    arguments = ["--created", "1", "--tag", "2", "--look-first", *EDITS, *paths[:2]]
    image = f"{server.host}/{NAME}:1"
    first = run("push", "--json", image, *arguments, paths[2]).json()
    assert sources(first) == ["streamed"] * 3
    server.journal.clear()
    second = run("push", "--json", image, *arguments, paths[2]).json()
    assert second["digest"] == first["digest"]
    assert sources(second) == ["existing"] * 3
    assert {entry.method for entry in server.journal} <= {"HEAD", "GET"}
    assert set(server.journal.steps()) <= STEPS_OF_A_LOOK
    assert [entry.method for entry in server.journal if entry.step != "ping"].count("GET") == 0


def test_directory_again_is_looked_for_only(run, registry, tmp_path):
    server = registry("d28")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(os.urandom(10000))
    arguments = ["push", "--json", "--look-first", "--created", "1", f"{server.host}/{NAME}:1",
                 tmp_path / "root"]
    assert sources(run(*arguments).json()) == ["streamed"]
    server.journal.clear()
    assert sources(run(*arguments).json()) == ["existing"]
    assert set(server.journal.steps()) <= STEPS_OF_A_LOOK


@pytest.mark.parametrize("name", [None, "-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_file_without_a_name_is_read_once(run, registry, tmp_path, name):
    """Sent at once, not hashed before: nobody asks for the blob until it has been sent."""
    server = registry("d28")
    path = tmp_path / "layer.tar"
    path.write_bytes(make_tar({"a": os.urandom(4 << 20)}))
    for tag in ("1", "2"):
        server.journal.clear()
        with open(path, "rb") as file:
            told = run("push", "--json", "--chunk-size", "1M", f"{server.host}/{NAME}:{tag}",
                       *([name] if name else []), stdin=file).json()
        assert sources(told) == ["streamed"]
        steps = server.journal.steps()
        assert "patch" in steps and "blob-head" not in steps[:steps.index("patch")], steps


def test_file_that_is_new_is_sent_with_its_digest_known(run, registry, tmp_path):
    server = registry("d28")
    path = tmp_path / "layer.tar"
    path.write_bytes(make_tar({"a": os.urandom(100000)}))
    told = push(run, server, "--look-first", path).json()
    assert sources(told) == ["streamed"]
    assert server.blob(NAME, told["layers"][0]["digest"]) is not None


def asked_before_sent(server):
    """Whether the registry was asked for a blob before its first byte was sent."""
    steps = [step for step in server.journal.steps() if step in ("blob-head", "patch")]
    return steps[0] == "blob-head"


# Options, suffix of the file's compression, and whether the file is hashed first.
LOOKS = [
    ([], "", False),
    (["--look-first=auto"], "", False),
    (["--look-first"], "", True),
    (["--look-first=always"], "", True),
    (["--compress", "zstd"], "", False),
    (["--compress", "none"], "", True),
    (["--compress", "none", "--look-first=never"], "", False),
    ([], "gzip", True),
    (["--look-first=never"], "gzip", False),
    (["--raw"], "gzip", False),
    (["--mount-from", "other/place"], "", True),
    (["--mount-from", "other/place", "--look-first=never"], "", False),
]


@pytest.mark.parametrize("options, compression, hashed", LOOKS)
def test_files_are_hashed_first_where_it_is_cheap(run, registry, tmp_path, options, compression,
                                                  hashed):
    server = registry("d28")
    data = make_tar({"a": os.urandom(3 << 20)})
    path = tmp_path / "layer"
    path.write_bytes(gzip.compress(data, 1) if compression else data)
    told = push(run, server, "--chunk-size", "1M", *options, path).json()
    assert sources(told) == ["streamed"]
    assert asked_before_sent(server) == hashed


@pytest.mark.parametrize("options, hashed", [([], False), (["--look-first"], True),
                                             (["--compress", "none"], True)])
def test_directories_are_hashed_first_where_it_is_cheap(run, registry, tmp_path, options, hashed):
    server = registry("d28")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(os.urandom(3 << 20))
    push(run, server, "--chunk-size", "1M", *options, tmp_path / "root").json()
    assert asked_before_sent(server) == hashed


def interrupted(command, server, path, fault, tags=()):
    """stderr of a push that is stopped while the registry has a request."""
    server.faults.add(fault)
    with command.start("push", "-v", *(f"--tag={tag}" for tag in tags), f"{server.host}/{NAME}:1",
                       path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        assert fault.reached.wait(60)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
    assert process.returncode == -signal.SIGTERM and out == b""
    return err.decode()


def test_interrupted_after_the_manifest_was_sent(command, registry, tar_file):
    """The registry has set the tag, but has not answered yet: the message does not deny it."""
    server = registry("d28")
    said = interrupted(command, server, tar_file, Fault("manifest-put", "stall", at="done"))
    assert "interrupted by SIGTERM; the manifest was sent before, so a tag may be set" in said
    assert re.search(r"PUT \S+ CANCELLED \([1-9]\d* bytes sent", said)
    assert list(server.tags(NAME)) == ["1"]


def test_interrupted_between_two_tags(command, registry, tar_file):
    server = registry("d28")
    fault = Fault("manifest-head", "stall", when=lambda request: request.path.endswith("/2"))
    said = interrupted(command, server, tar_file, fault, ["2"])
    assert "a tag may be set" in said


@pytest.mark.parametrize("step", ["open", "commit", "manifest-head"])
def test_interrupted_before_the_manifest(command, registry, tar_file, step):
    server = registry("d28")
    said = interrupted(command, server, tar_file, Fault(step, "stall"))
    assert said.endswith("layerpipe: interrupted by SIGTERM\n")
    assert server.tags() == {}


def test_only_the_config_is_edited(run, registry):
    server = registry("d28")
    base = Base(Cmd=["sh"])
    image = f"{server.host}/{BASE}:2"
    told = run("push", "--json", "--base", base.put(server, BASE, "1"), "--env", "A=b", image).json()
    assert sources(told) == ["existing", "existing"]
    config = stored_config(server, BASE, server.manifest(BASE, "2"))
    assert config["config"] == {"Cmd": ["sh"], "Env": ["A=b"]}
    assert len(config["rootfs"]["diff_ids"]) == 2
    assert len(server.journal.entries("open")) == 1  # the config


def test_base_annotations_and_descriptors_are_kept(run, registry, tar_bytes):
    server = registry("d28")
    base = Base()
    base.manifest["annotations"] = {"mine": "kept", "note": "old"}
    base.manifest["layers"][0]["annotations"] = {"of": "the layer"}
    base.manifest["layers"][0]["urls"] = ["https://example.invalid/layer"]
    push(run, server, "--base", base.put(server, BASE, "1"), "--annotation", "note=new", "-",
         input=tar_bytes).json()
    manifest = server.manifest(NAME, "1")
    assert manifest["annotations"]["mine"] == "kept"
    assert manifest["annotations"]["note"] == "new"
    assert manifest["layers"][0] == base.manifest["layers"][0]


@pytest.mark.parametrize("family, wanted", [("docker", "oci"), ("oci", "docker"),
                                            ("docker", None), ("oci", None)])
def test_one_family(run, registry, tar_bytes, family, wanted):
    """All of an image is of one family: the base's, or the one asked for."""
    server = registry("d28")
    base = Base(family=family)
    options = ["--format", wanted] if wanted else []
    told = push(run, server, *options, "--base", base.put(server, BASE, "1"), "-",
                input=tar_bytes).json()
    manifest = server.manifest(NAME, "1")
    types = [manifest["mediaType"], manifest["config"]["mediaType"],
             *(layer["mediaType"] for layer in manifest["layers"])]
    word = ".docker." if (wanted or family) == "docker" else ".oci."
    assert all(word in media_type for media_type in types), types
    assert ("annotations" in manifest) == (word == ".oci.")
    assert [layer["mediaType"] for layer in told["layers"]] == types[2:]


def test_zstd_is_nothing_for_docker(run, registry, tar_bytes):
    server = registry("d28")
    base = Base(family="docker")
    result = push(run, server, "--compress", "zstd", "--base", base.put(server, BASE, "1"), "-",
                  input=tar_bytes)
    assert result.rc == 2, result
    assert "zstd" in result.stderr and server.tags(NAME) == {}


def test_docker_contradictions(run, registry, tool, tar_bytes):
    """What is known from the command line is wrong usage; what the input turns out to be is not."""
    server = registry("d28")
    packed = subprocess.run([tool("zstd"), "-c"], input=tar_bytes, stdout=subprocess.PIPE,
                            check=True).stdout
    for command in ("push", "layer"):
        place = f"{server.host}/{NAME}" + (":1" if command == "push" else "")
        for options, rc, word in [(["--compress", "zstd"], 2, "zstd"),
                                  (["--media-type", LAYER_TYPES["oci"] + "+gzip"], 2, "Docker's"),
                                  ([], 1, "zstd")]:
            result = run(command, "--format", "docker", *options, place, "-", input=packed)
            assert result.rc == rc, (command, options, result)
            assert word in result.stderr
    assert server.tags(NAME) == {} and server.blobs() == []


@pytest.mark.parametrize("step, status, rc", [
    ("open", 403, 4), ("commit", 400, 7), ("blob-head", 403, 4), ("manifest-put", 400, 7)])
def test_nothing_is_tagged_on_failure(run, registry, tar_bytes, step, status, rc):
    server = registry("d28", Fault(step, "status", status=status, times=None))
    result = push(run, server, "--retry", "0", "--tag", "2", "-", input=tar_bytes)
    assert result.rc == rc, result
    assert result.stdout == ""
    assert server.tags() == {} and server.storage.manifests() == []
    assert server.open_sessions() == []


def test_a_config_that_cannot_be_put(run, registry, tar_bytes):
    """The layers are there by then; the tag is not. One job, so that the second commit is the
    config's."""
    server = registry("d28", Fault("commit", "status", status=400, nth=2, times=None))
    result = push(run, server, "--retry", "0", "--jobs", "1", "-", input=tar_bytes)
    assert result.rc == 7, result
    assert server.tags() == {} and server.storage.manifests() == []


def test_digest_named(run, registry, tar_bytes):
    """By digest alone; and only if it comes out."""
    server = registry("d28")
    options = ["--created", "1", "--platform", "linux/amd64"]
    told = run("push", "--json", *options, "null:", "-", input=tar_bytes).json()
    image = f"{server.host}/{NAME}@{told['digest']}"
    result = run("push", "--json", *options, image, "-", input=tar_bytes)
    assert result.json()["digest"] == told["digest"]
    assert result.json()["tags"] == [] and server.tags() == {}
    assert server.manifest(NAME, told["digest"]) is not None
    result = run("push", "--created", "2", image, "-", input=tar_bytes)
    assert result.rc == 9, result
    assert len(server.storage.manifests()) == 1


def test_assembled_from_layers_of_many_machines(run, registry, tmp_path):
    """Each makes a layer, one makes the image: it reads none of them."""
    server = registry("d28")
    arguments, diff_ids = [], []
    for number in range(5):
        tar = make_tar({f"part{number}": os.urandom(50000)})
        path = tmp_path / f"{number}.json"
        told = run("layer", "--json", f"{server.host}/{NAME}", "-", input=tar)
        path.write_text(told.stdout)
        arguments += ["--layer-descriptor", path]
        diff_ids.append(told.json()["diffId"])
    server.journal.clear()
    told = run("push", "--json", f"{server.host}/{NAME}:all", *arguments).json()
    assert sources(told) == ["existing"] * 5
    config = stored_config(server, NAME, server.manifest(NAME, "all"))
    assert config["rootfs"]["diff_ids"] == diff_ids
    assert len(server.journal.entries("open")) == 1  # the config
    asked = {entry.path.rsplit("/", 1)[1] for entry in server.journal.entries("blob-head")}
    assert {layer["digest"] for layer in told["layers"]} < asked


def test_a_layer_said_to_be_there_that_is_not(run, registry, tmp_path, tar_bytes):
    server = registry("d28")
    path = tmp_path / "layer.json"
    path.write_text(run("layer", "--json", "null:", "-", input=tar_bytes).stdout)
    result = run("push", f"{server.host}/{NAME}:all", "--layer-descriptor", path)
    assert result.rc == 5, result
    assert json.loads(path.read_text())["digest"] in result.stderr
    assert server.tags() == {}


def test_a_descriptor_that_is_none(run, registry, tmp_path):
    server = registry("d28")
    path = tmp_path / "layer.json"
    path.write_text('{"digest": "sha256:1"}')
    result = run("push", f"{server.host}/{NAME}:all", "--layer-descriptor", path)
    assert result.rc == 2, result
    assert "mediaType" in result.stderr


# Artifacts.

@pytest.mark.parametrize("profile", ["d28", "zot"])
def test_artifact_with_subject(run, registry, tar_bytes, profile):
    server = registry(profile)
    image = push(run, server, "-", input=tar_bytes).json()
    told = run("push", "--json", "--artifact-type", "application/vnd.x.note", "--raw",
               "--media-type", "text/plain", "--compress", "none", "--annotation", "k=v",
               "--subject", f"{server.host}/{NAME}:1", f"{server.host}/{NAME}:note", "-",
               input=b"a note").json()
    manifest = server.manifest(NAME, "note")
    assert manifest["artifactType"] == "application/vnd.x.note"
    assert manifest["subject"]["digest"] == image["digest"]
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert server.blob(NAME, manifest["config"]["digest"]) == b"{}"
    assert server.blob(NAME, manifest["layers"][0]["digest"]) == b"a note"
    assert manifest["layers"][0]["mediaType"] == "text/plain"
    fallback = server.manifest(NAME, image["digest"].replace(":", "-"))
    if server.profile.referrers:
        assert fallback is None
    else:
        assert [(entry["digest"], entry["artifactType"], entry["annotations"])
                for entry in fallback["manifests"]] == \
            [(told["digest"], "application/vnd.x.note", {"k": "v"})]


def test_nothing_gets_a_tag_unasked(run, registry, tar_bytes):
    """What refers to a subject must not take over "latest"; --untagged does the same for any."""
    server = registry("zot")
    image = push(run, server, "-", input=tar_bytes).json()
    note = run("push", "--json", "--artifact-type", "text/x-note", "--annotation", "k=v",
               "--subject", f"{server.host}/{NAME}:1", f"{server.host}/{NAME}").json()
    bare = run("push", "--json", "--untagged", "--user", "7", f"{server.host}/{NAME}", "-",
               input=tar_bytes).json()
    assert server.tags(NAME) == {"1": image["digest"]}
    for told in (note, bare):
        assert told["tags"] == []
        assert told["reference"] == f"{server.host}/{NAME}@{told['digest']}"
        assert run("inspect", told["reference"]).rc == 0


@pytest.mark.parametrize("tag", [[":x"], ["", "--tag", "x"]])
def test_untagged_with_a_tag(tag, run, registry, tar_bytes):
    server = registry("d28")
    result = run("push", "--untagged", f"{server.host}/{NAME}{tag[0]}", "-", *tag[1:],
                 input=tar_bytes)
    assert result.rc == 2 and "--untagged" in result.stderr, result
    assert server.journal.steps() == []


def test_many_notes_on_one_image(run, registry, tar_bytes):
    server = registry("d28")
    image = push(run, server, "-", input=tar_bytes).json()
    digests = []
    for number in range(3):
        told = run("push", "--json", "--artifact-type", "text/x-note", "--annotation",
                   f"n={number}", "--subject", image["digest"], f"{server.host}/{NAME}:n{number}",
                   "--raw", "--allow-empty", "-", input=b"").json()
        digests.append(told["digest"])
    fallback = server.manifest(NAME, image["digest"].replace(":", "-"))
    assert [entry["digest"] for entry in fallback["manifests"]] == digests


def test_artifact_of_annotations_alone(run, registry):
    server = registry("d28")
    told = run("push", "--json", "--artifact-type", "text/x-note", "--annotation", "k=v",
               f"{server.host}/{NAME}:note").json()
    manifest = server.manifest(NAME, "note")
    assert manifest["artifactType"] == "text/x-note" and manifest["annotations"] == {"k": "v"}
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert [layer["digest"] for layer in manifest["layers"]] == [manifest["config"]["digest"]]
    assert server.blob(NAME, manifest["config"]["digest"]) == b"{}"
    assert told["digest"] == server.tags(NAME)["note"]


def test_subject_that_does_not_exist(run, registry, tar_bytes):
    server = registry("d28")
    result = run("push", "--subject", f"{server.host}/{NAME}:none", f"{server.host}/{NAME}:x", "-",
                 input=tar_bytes)
    assert result.rc == 5, result
    assert "open" not in server.journal.steps()
    result = run("push", "--subject", f"{server.host}/other:x", f"{server.host}/{NAME}:x", "-",
                 input=tar_bytes)
    assert result.rc == 2, result


# Others.

def check_call(*args, **options):
    done = subprocess.run(list(map(str, args)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout


PASSWD, GROUP = b"app:x:7:7::/srv:/bin/sh\n", b"app:x:7:\n"


def root_tar():
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("bin", "etc", "srv"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for name, data in (("motd", b"hello\n"), ("passwd", PASSWD), ("group", GROUP)):
            info = tarfile.TarInfo("etc/" + name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_others_take_the_image(run, docker_registry, tmp_path, tool):
    server = docker_registry()
    first = run("push", "--json", f"{server.host}/{BASE}:1", "-", input=root_tar()).json()
    told = push(run, server, "--base", f"{server.host}/{BASE}:1", *EDITS, "-",
                input=make_tar({"srv/app": b"#!/bin/sh\n"})).json()
    assert sources(told) == ["mounted", "streamed"]
    assert told["layers"][0]["digest"] == first["layers"][0]["digest"]
    image = f"{server.host}/{NAME}:1"
    shown = json.loads(check_call(tool("skopeo"), "inspect", "--tls-verify=false",
                                  f"docker://{image}"))
    assert shown["Digest"] == told["digest"]
    assert shown["Labels"] == {"a": "1", "b": "2"}
    assert {"A=2", "LANG=C.UTF-8"} <= set(shown["Env"])
    layout = tmp_path / "layout"
    check_call(tool("skopeo"), "--insecure-policy", "copy", "--src-tls-verify=false",
               f"docker://{image}", f"oci:{layout}:one")
    bundle = tmp_path / "bundle"
    check_call(tool("umoci"), "unpack", "--rootless", "--image", f"{layout}:one", bundle)
    assert (bundle / "rootfs/etc/motd").read_text() == "hello\n"
    assert (bundle / "rootfs/srv/app").exists()
    process = json.loads((bundle / "config.json").read_text())["process"]
    assert process["args"] == ["/bin/app", "-x", "--port", "80"]
    assert process["cwd"] == "/srv"
    check_call(tool("crane"), "validate", "--insecure", "--remote", image)


@pytest.mark.parametrize("name", ["buildah", "podman"])
def test_containers_start_from_the_image(run, docker_registry, tmp_path, tool, name):
    """From the image that was pushed, where the kernel lets containers be made."""
    path = tool(name)
    server = docker_registry()
    push(run, server, "--cmd", "/bin/true", "-", input=root_tar()).json()
    image = f"docker://{server.host}/{NAME}:1"
    runroot = tempfile.mkdtemp(prefix="lp")  # podman takes short names only
    places = ["--root", tmp_path / "root", "--runroot", runroot, "--storage-driver", "vfs"]
    pull = ["from", "--tls-verify=false"] if name == "buildah" else ["pull", "--tls-verify=false"]
    done = subprocess.run([str(part) for part in [path, *places, *pull, image]], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.rmtree(runroot, ignore_errors=True)
    text = done.stdout.decode()
    refused = ("operation not permitted", "permission denied", "user namespace", "newuidmap",
               "policy.json")
    if done.returncode != 0 and any(word in text.lower() for word in refused):
        pytest.skip(f"{name} is not allowed here: {text.strip().splitlines()[-1]}")
    assert done.returncode == 0, text


# History.

@pytest.mark.parametrize("histories, wanted", [(["one"], ["one", "one"]), (["one", "two"],
                                               ["one", "two"]), ([], [None, None])])
def test_history_of_layers(run, tar_file, tmp_path, histories, wanted):
    layout = f"oci:{tmp_path / 'layout'}:x"
    options = [part for text in histories for part in ("--history", text)]
    assert run("push", "--created", "1", *options, layout, tar_file, tar_file).rc == 0
    history = run("inspect", "--json", layout).json()["config"]["history"]
    assert [entry.get("created_by") for entry in history] == wanted
    assert {entry["created"] for entry in history} == {"1970-01-01T00:00:01Z"}


def test_history_without_a_layer(run, tar_file, tmp_path):
    layout = f"oci:{tmp_path / 'layout'}"
    assert run("push", layout + ":x", tar_file).rc == 0
    assert run("push", "--base", layout + ":x", "--env", "A=b", "--history", "env", "--created",
               "1", layout + ":y").rc == 0
    history = run("inspect", "--json", layout + ":y").json()["config"]["history"]
    assert history[1:] == [{"created": "1970-01-01T00:00:01Z", "created_by": "env",
                            "empty_layer": True}]


def test_more_histories_than_layers(run, tar_file):
    result = run("push", "--history", "a", "--history", "b", "null:", tar_file)
    assert result.rc == 2 and "--history" in result.stderr


# Mounts.

@pytest.mark.parametrize("full", [False, True])
def test_file_is_mounted_from_another_repository(run, registry, tar_file, full):
    server = registry("d28")
    assert run("layer", f"{server.host}/{BASE}", tar_file).rc == 0
    where = f"{server.host}/{BASE}" if full else BASE
    told = push(run, server, "--mount-from", where, tar_file).json()
    assert sources(told) == ["mounted"]
    assert server.blob(NAME, told["layers"][0]["digest"]) is not None


def test_mount_from_elsewhere(run, registry, tar_file):
    server = registry("d28")
    result = push(run, server, "--mount-from", f"other.example/{BASE}", tar_file)
    assert result.rc == 2, result
    assert "other.example" in result.stderr and len(server.journal.entries("open")) == 0
