# SPDX-License-Identifier: Apache-2.0
"""Pushes of whole images: base, layers, config, tags; other programs read the images."""
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
from wire_support import assert_history, check_call

BASE = "lib/base"
NAME = "app/image"
EDITS = ["--env", "LANG=C.UTF-8", "--env", "A=1", "--env", "A=2", "--entrypoint", "/bin/app -x",
         "--cmd", '["--port","80"]', "--user", "app:app", "--workdir", "/srv", "--label", "b=2",
         "--label", "a=1", "--port", "80", "--port", "53/udp", "--volume", "/data",
         "--stop-signal", "SIGTERM", "--author", "A. U. Thor", "--created", "1700000000",
         "--history", "tar -c app", "--annotation", "note=yes"]
READING_STEPS = {"ping", "token", "blob-head", "manifest-head", "manifest-get"}


def push(run, server, *arguments, name=NAME, tag="1", **options):
    return run("push", "--json", *arguments[:-1], f"{server.host}/{name}:{tag}", arguments[-1],
               **options)


def test_every_edit_option_changes_config(run, registry, tar_bytes):
    server = registry("d28")
    base = Base(Env=["PATH=/bin", "A=0"], Cmd=["sh"], Labels={"kept": "yes"}, Shell=["/bin/bash"])
    base.config["x-unknown"] = {"kept": [1, 2]}
    base.config["history"] = [{"created_by": "one"}, {"created_by": "none", "empty_layer": True},
                              {"created_by": "two"}]
    output = push(run, server, "--base", base.put(server, BASE, "1"), *EDITS, "-",
                  input=tar_bytes).json()
    assert sources(output) == ["mounted", "mounted", "streamed"]
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


def test_manifest_is_put_after_all_blobs(run, registry, tar_bytes):
    """The order: blobs, config, manifest under its first tag, then the other tags."""
    server = registry("d28")
    output = push(run, server, "--tag", "2", "--tag", "3", "--tag", "1", "-",
                  input=tar_bytes).json()
    assert output["tags"] == ["1", "2", "3"]
    assert server.tags(NAME) == {tag: output["digest"] for tag in "123"}
    steps = server.journal.steps()
    first_put = steps.index("manifest-put")
    assert "commit" not in steps[first_put:]
    assert steps.count("commit") == 2
    assert steps.count("manifest-put") == 3
    assert [entry.path.rsplit("/", 1)[1] for entry in server.journal.entries("manifest-put")] == \
        ["1", "2", "3"]


def test_number_of_threads_does_not_change_digest(run, registry, tar_bytes):
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    digests = set()
    for threads in ("0", "1", "3"):
        server = registry("d28")
        output = push(run, server, "--platform", "linux/arm64", "--threads", threads, "-",
                      input=tar_bytes, env=env).json()
        digests.add(output["digest"])
    assert len(digests) == 1


def test_second_push_of_files_sends_nothing(run, registry, tmp_path, tar_bytes):
    """The second push only checks that blobs and manifest exist."""
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
    assert set(server.journal.steps()) <= READING_STEPS
    assert [entry.method for entry in server.journal if entry.step != "ping"].count("GET") == 0


def test_second_push_of_directory_sends_nothing(run, registry, tmp_path):
    server = registry("d28")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "file").write_bytes(os.urandom(10000))
    arguments = ["push", "--json", "--look-first", "--created", "1", f"{server.host}/{NAME}:1",
                 tmp_path / "root"]
    assert sources(run(*arguments).json()) == ["streamed"]
    server.journal.clear()
    assert sources(run(*arguments).json()) == ["existing"]
    assert set(server.journal.steps()) <= READING_STEPS


@pytest.mark.parametrize("name", [None, "-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"])
def test_stdin_file_is_sent_without_hashing_first(run, registry, tmp_path, name):
    """The digest is not known before the upload, so there is no blob-head before the first
    PATCH."""
    server = registry("d28")
    path = tmp_path / "layer.tar"
    path.write_bytes(make_tar({"a": os.urandom(4 << 20)}))
    for tag in ("1", "2"):
        server.journal.clear()
        with open(path, "rb") as file:
            output = run("push", "--json", "--chunk-size", "1M", f"{server.host}/{NAME}:{tag}",
                         *([name] if name else []), stdin=file).json()
        assert sources(output) == ["streamed"]
        steps = server.journal.steps()
        assert "patch" in steps and "blob-head" not in steps[:steps.index("patch")], steps


def test_new_file_is_sent(run, registry, tmp_path):
    server = registry("d28")
    path = tmp_path / "layer.tar"
    path.write_bytes(make_tar({"a": os.urandom(100000)}))
    pushed = push(run, server, "--look-first", path).json()
    assert sources(pushed) == ["streamed"]
    assert server.blob(NAME, pushed["layers"][0]["digest"]) is not None


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
    (["--raw", "--media-type", "a/b"], "gzip", False),
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
    pushed = push(run, server, "--chunk-size", "1M", *options, path).json()
    assert sources(pushed) == ["streamed"]
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
    with command.start("push", "-v", "--created", "1", *(f"--tag={tag}" for tag in tags), f"{server.host}/{NAME}:1",
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
    fault = Fault("manifest-put", "stall", when=lambda request: request.path.endswith("/2"))
    said = interrupted(command, server, tar_file, fault, ["2"])
    assert "a tag may be set" in said


@pytest.mark.parametrize("step", ["open", "commit", "manifest-head"])
def test_interrupted_before_the_manifest(command, run, registry, tar_file, step):
    server = registry("d28")
    if step == "manifest-head":  # sent when the registry has all blobs
        assert run("push", "--created", "1", f"{server.host}/{NAME}:0", tar_file).rc == 0
    before = list(server.tags(NAME))
    said = interrupted(command, server, tar_file, Fault(step, "stall"))
    assert said.endswith("layerpipe: interrupted by SIGTERM\n")
    assert list(server.tags(NAME)) == before


def test_push_without_layers_sends_only_config(run, registry):
    server = registry("d28")
    base = Base(Cmd=["sh"])
    image = f"{server.host}/{BASE}:2"
    output = run("push", "--json", "--base", base.put(server, BASE, "1"), "--env", "A=b",
                 image).json()
    assert sources(output) == ["existing", "existing"]
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
def test_image_has_media_types_of_one_family(run, registry, tar_bytes, family, wanted):
    """All media types are OCI's or all are Docker's: those of --format, or else those of the
    base."""
    server = registry("d28")
    base = Base(family=family)
    options = ["--format", wanted] if wanted else []
    output = push(run, server, *options, "--base", base.put(server, BASE, "1"), "-",
                  input=tar_bytes).json()
    manifest = server.manifest(NAME, "1")
    types = [manifest["mediaType"], manifest["config"]["mediaType"],
             *(layer["mediaType"] for layer in manifest["layers"])]
    word = ".docker." if (wanted or family) == "docker" else ".oci."
    assert all(word in media_type for media_type in types), types
    assert ("annotations" in manifest) == (word == ".oci.")
    assert [layer["mediaType"] for layer in output["layers"]] == types[2:]


def test_zstd_with_docker_base_is_wrong_usage(run, registry, tar_bytes):
    server = registry("d28")
    base = Base(family="docker")
    result = push(run, server, "--compress", "zstd", "--base", base.put(server, BASE, "1"), "-",
                  input=tar_bytes)
    assert result.rc == 2, result
    assert "zstd" in result.stderr and server.tags(NAME) == {}


def test_docker_format_with_zstd_fails(run, registry, tool, tar_bytes):
    """Contradicting options are wrong usage. A zstd input is another error, because it is known
    only after reading."""
    server = registry("d28")
    compressed = subprocess.run([tool("zstd"), "-c"], input=tar_bytes, stdout=subprocess.PIPE,
                            check=True).stdout
    for command in ("push", "layer"):
        place = f"{server.host}/{NAME}" + (":1" if command == "push" else "")
        for options, rc, word in [(["--compress", "zstd"], 2, "zstd"),
                                  (["--media-type", LAYER_TYPES["oci"] + "+gzip"], 2, "Docker's"),
                                  ([], 1, "zstd")]:
            result = run(command, "--format", "docker", *options, place, "-", input=compressed)
            assert result.rc == rc, (command, options, result)
            assert word in result.stderr
    assert server.tags(NAME) == {} and server.blobs() == []


@pytest.mark.parametrize("step, status, rc", [
    ("open", 403, 4), ("commit", 400, 7), ("blob-head", 403, 4), ("manifest-put", 400, 7)])
def test_failed_push_stores_no_manifest_and_no_tag(run, registry, tar_bytes, step, status, rc):
    server = registry("d28", Fault(step, "status", status=status, times=None))
    result = push(run, server, "--retry", "0", "--created", "1", "--tag", "2", "-", input=tar_bytes)
    assert result.rc == rc, result
    assert result.stdout == ""
    assert server.tags() == {} and server.storage.manifests() == []
    assert server.open_sessions() == []


def test_refused_config_stores_no_manifest_and_no_tag(run, registry, tar_bytes):
    """With one job, the second commit is the config's."""
    server = registry("d28", Fault("commit", "status", status=400, nth=2, times=None))
    result = push(run, server, "--retry", "0", "--jobs", "1", "-", input=tar_bytes)
    assert result.rc == 7, result
    assert server.tags() == {} and server.storage.manifests() == []


def test_push_to_digest_succeeds_only_for_this_digest(run, registry, tar_bytes):
    """Another digest than the named one is an error, and stores no manifest."""
    server = registry("d28")
    options = ["--created", "1", "--platform", "linux/amd64"]
    output = run("push", "--json", *options, "null:", "-", input=tar_bytes).json()
    image = f"{server.host}/{NAME}@{output['digest']}"
    result = run("push", "--json", *options, image, "-", input=tar_bytes)
    assert result.json()["digest"] == output["digest"]
    assert result.json()["tags"] == [] and server.tags() == {}
    assert server.manifest(NAME, output["digest"]) is not None
    result = run("push", "--created", "2", image, "-", input=tar_bytes)
    assert result.rc == 9, result
    assert len(server.storage.manifests()) == 1


def test_image_of_layer_descriptors_reads_no_layer(run, registry, tmp_path):
    """The layers were uploaded before; the push only checks that they exist."""
    server = registry("d28")
    arguments, diff_ids = [], []
    for number in range(5):
        tar = make_tar({f"part{number}": os.urandom(50000)})
        path = tmp_path / f"{number}.json"
        output = run("layer", "--json", f"{server.host}/{NAME}", "-", input=tar)
        path.write_text(output.stdout)
        arguments += ["--layer-descriptor", path]
        diff_ids.append(output.json()["diffId"])
    server.journal.clear()
    output = run("push", "--json", f"{server.host}/{NAME}:all", *arguments).json()
    assert sources(output) == ["existing"] * 5
    config = stored_config(server, NAME, server.manifest(NAME, "all"))
    assert config["rootfs"]["diff_ids"] == diff_ids
    assert len(server.journal.entries("open")) == 1  # the config
    asked = {entry.path.rsplit("/", 1)[1] for entry in server.journal.entries("blob-head")}
    assert {layer["digest"] for layer in output["layers"]} == asked


def test_layer_descriptor_without_blob_fails(run, registry, tmp_path, tar_bytes):
    server = registry("d28")
    path = tmp_path / "layer.json"
    path.write_text(run("layer", "--json", "null:", "-", input=tar_bytes).stdout)
    result = run("push", f"{server.host}/{NAME}:all", "--layer-descriptor", path)
    assert result.rc == 5, result
    assert json.loads(path.read_text())["digest"] in result.stderr
    assert server.tags() == {}


def test_malformed_layer_descriptor_is_wrong_usage(run, registry, tmp_path):
    server = registry("d28")
    path = tmp_path / "layer.json"
    path.write_text('{"digest": "sha256:1"}')
    result = run("push", f"{server.host}/{NAME}:all", "--layer-descriptor", path)
    assert result.rc == 2, result
    assert "mediaType" in result.stderr


# Artifacts.

TITLES = {
    "a file": ("model.bin", ["--raw", "--compress", "none"], "model.bin"),
    "not ASCII": ("größe.bin", ["--raw", "--compress", "none"], "größe.bin"),
    "too long": ("x" * 160, ["--raw", "--compress", "none"], None),
    "control character": ("a\nb", ["--raw", "--compress", "none"], None),
    "not UTF-8": (b"a\xffb", ["--raw", "--compress", "none"], None),
    "compressed": ("model.bin", ["--raw", "--compress", "gzip"], None),
}


@pytest.mark.parametrize("what", TITLES)
def test_file_of_an_artifact_has_its_name_as_title(run, tmp_path, what):
    name, options, title = TITLES[what]
    path = os.path.join(tmp_path, os.fsdecode(name))
    with open(path, "wb") as file:
        file.write(b"weights")
    output = run("push", "--json", "--artifact-type", "a/b", "--media-type", "a/c", *options,
                 f"oci:{tmp_path}/l:1", path).json()
    shown = run("inspect", "--json", output["reference"]).json()["manifest"]["layers"][0]
    assert shown.get("annotations") == ({"org.opencontainers.image.title": title} if title else None)


def test_stdin_of_an_artifact_has_no_title(run, tmp_path):
    output = run("push", "--json", "--artifact-type", "a/b", "--raw", "--compress", "none", f"oci:{tmp_path}/l:1", "-",
                 input=b"weights").json()
    assert "annotations" not in run("inspect", "--json", output["reference"]).json()["manifest"]["layers"][0]


@pytest.mark.parametrize("profile", ["d28", "zot"])
def test_artifact_with_subject_is_listed_as_referrer(run, registry, tar_bytes, profile):
    server = registry(profile)
    image = push(run, server, "-", input=tar_bytes).json()
    output = run("push", "--json", "--artifact-type", "application/vnd.x.note", "--raw",
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
            [(output["digest"], "application/vnd.x.note", {"k": "v"})]


def test_subject_and_untagged_write_no_tag(run, registry, tar_bytes):
    """An artifact with a subject must not get the tag "latest". --untagged pushes any image without
    a tag."""
    server = registry("zot")
    image = push(run, server, "-", input=tar_bytes).json()
    note = run("push", "--json", "--artifact-type", "text/x-note", "--annotation", "k=v",
               "--subject", f"{server.host}/{NAME}:1", f"{server.host}/{NAME}").json()
    bare = run("push", "--json", "--untagged", "--user", "7", f"{server.host}/{NAME}", "-",
               input=tar_bytes).json()
    assert server.tags(NAME) == {"1": image["digest"]}
    for output in (note, bare):
        assert output["tags"] == []
        assert output["reference"] == f"{server.host}/{NAME}@{output['digest']}"
        assert run("inspect", output["reference"]).rc == 0


@pytest.mark.parametrize("tag", [[":x"], ["", "--tag", "x"]])
def test_untagged_with_tag_is_wrong_usage(tag, run, registry, tar_bytes):
    server = registry("d28")
    result = run("push", "--untagged", f"{server.host}/{NAME}{tag[0]}", "-", *tag[1:],
                 input=tar_bytes)
    assert result.rc == 2 and "--untagged" in result.stderr, result
    assert server.journal.steps() == []


def test_referrers_tag_lists_several_artifacts(run, registry, tar_bytes):
    server = registry("d28")
    image = push(run, server, "-", input=tar_bytes).json()
    digests = []
    for number in range(3):
        output = run("push", "--json", "--artifact-type", "text/x-note", "--annotation",
                     f"n={number}", "--subject", image["digest"], f"{server.host}/{NAME}:n{number}",
                     "--raw", "--allow-empty", "-", input=b"").json()
        digests.append(output["digest"])
    fallback = server.manifest(NAME, image["digest"].replace(":", "-"))
    assert [entry["digest"] for entry in fallback["manifests"]] == digests


def test_artifact_without_layers_has_the_empty_layer(run, registry):
    server = registry("d28")
    output = run("push", "--json", "--artifact-type", "text/x-note", "--annotation", "k=v",
                 f"{server.host}/{NAME}:note").json()
    manifest = server.manifest(NAME, "note")
    assert manifest["artifactType"] == "text/x-note" and manifest["annotations"] == {"k": "v"}
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert [layer["digest"] for layer in manifest["layers"]] == [manifest["config"]["digest"]]
    assert server.blob(NAME, manifest["config"]["digest"]) == b"{}"
    assert output["digest"] == server.tags(NAME)["note"]


def test_missing_subject_fails_before_upload(run, registry, tar_bytes):
    server = registry("d28")
    result = run("push", "--subject", f"{server.host}/{NAME}:none", f"{server.host}/{NAME}:x", "-",
                 input=tar_bytes)
    assert result.rc == 5, result
    assert "open" not in server.journal.steps()
    result = run("push", "--subject", f"{server.host}/other:x", f"{server.host}/{NAME}:x", "-",
                 input=tar_bytes)
    assert result.rc == 2, result


# Other programs.

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


def test_skopeo_umoci_and_crane_accept_the_image(run, docker_registry, tmp_path, tool):
    server = docker_registry()
    first = run("push", "--json", f"{server.host}/{BASE}:1", "-", input=root_tar()).json()
    output = push(run, server, "--base", f"{server.host}/{BASE}:1", *EDITS, "-",
                  input=make_tar({"srv/app": b"#!/bin/sh\n"})).json()
    assert sources(output) == ["mounted", "streamed"]
    assert output["layers"][0]["digest"] == first["layers"][0]["digest"]
    image = f"{server.host}/{NAME}:1"
    shown = json.loads(check_call(tool("skopeo"), "inspect", "--tls-verify=false",
                                  f"docker://{image}"))
    assert shown["Digest"] == output["digest"]
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
def test_buildah_and_podman_pull_the_image(run, docker_registry, tmp_path, tool, name):
    """Skipped where the kernel does not allow containers."""
    path = tool(name)
    server = docker_registry()
    push(run, server, "--cmd", "/bin/true", "-", input=root_tar()).json()
    image = f"docker://{server.host}/{NAME}:1"
    runroot = tempfile.mkdtemp(prefix="lp")  # podman needs a short path
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
def test_history_option_is_used_for_each_layer(run, tar_file, tmp_path, histories, wanted):
    layout = f"oci:{tmp_path / 'layout'}:x"
    options = [part for text in histories for part in ("--history", text)]
    assert run("push", "--created", "1", *options, layout, tar_file, tar_file).rc == 0
    history = run("inspect", "--json", layout).json()["config"]["history"]
    assert [entry.get("created_by") for entry in history] == wanted
    assert {entry["created"] for entry in history} == {"1970-01-01T00:00:01Z"}


def test_history_without_new_layer_is_an_empty_layer(run, tar_file, tmp_path):
    layout = f"oci:{tmp_path / 'layout'}"
    assert run("push", layout + ":x", tar_file).rc == 0
    assert run("push", "--base", layout + ":x", "--env", "A=b", "--history", "env", "--created",
               "1", layout + ":y").rc == 0
    history = run("inspect", "--json", layout + ":y").json()["config"]["history"]
    assert history[1:] == [{"created": "1970-01-01T00:00:01Z", "created_by": "env",
                            "empty_layer": True}]


def test_more_histories_than_layers_is_wrong_usage(run, tar_file):
    result = run("push", "--history", "a", "--history", "b", "null:", tar_file)
    assert result.rc == 2 and "--history" in result.stderr


# Mounts.

@pytest.mark.parametrize("full", [False, True])
def test_file_is_mounted_from_another_repository(run, registry, tar_file, full):
    server = registry("d28")
    assert run("layer", f"{server.host}/{BASE}", tar_file).rc == 0
    where = f"{server.host}/{BASE}" if full else BASE
    output = push(run, server, "--mount-from", where, tar_file).json()
    assert sources(output) == ["mounted"]
    assert server.blob(NAME, output["layers"][0]["digest"]) is not None


def test_mount_from_other_registry_is_wrong_usage(run, registry, tar_file):
    server = registry("d28")
    result = push(run, server, "--mount-from", f"other.example/{BASE}", tar_file)
    assert result.rc == 2, result
    assert "other.example" in result.stderr and len(server.journal.entries("open")) == 0


@pytest.mark.parametrize("subject", ["not//valid", "localhost:5977/other:1", "oci:directory:1"])
def test_wrong_subject_fails_before_the_first_request(subject, run, registry, tar_bytes):
    server = registry("d28")
    result = run("push", "--subject", subject, f"{server.host}/{NAME}:1", "-", input=tar_bytes)
    assert result.rc == 2 and "subject" in result.stderr, result
    assert len(server.journal) == 0
