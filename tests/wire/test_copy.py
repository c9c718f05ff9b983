# SPDX-License-Identifier: Apache-2.0
"""layerpipe copy from store to store: bytes and digests are kept, blobs that are there are not
sent, tags come last."""
import json
import subprocess

import pytest
from auth_support import basic, write_config
from cli_support import make_tar
from image_support import DOCKER, INDEX_TYPE, OCI, Base, descriptor, encode, put_index
from inputs import random_bytes, sha256
from layout_fsck import check as check_layout
from registry import Auth, Fault
from registry.profiles import profile
from wire_support import assert_history

SOURCE = "from/image"
TARGET = "to/image"
PLATFORMS = [{"os": "linux", "architecture": "amd64"},
             {"os": "linux", "architecture": "arm64", "variant": "v8"},
             {"os": "linux", "architecture": "s390x"}]


def copy(run, source, target, *options, **more):
    return run("copy", "--json", *options, source, target, **more)


def image(arch="amd64", family="oci", size=2000):
    return Base([make_tar({arch: random_bytes(size, arch)}), make_tar({"same": b"for all"})],
                family=family, arch=arch)


def put_platforms(server, repository=SOURCE, tag="all", **more):
    children = [(image(kind["architecture"]), kind) for kind in PLATFORMS]
    for child, _ in children:
        child.put(server, repository, child.digest)
    return put_index(server, repository, tag, children, **more), children


def assert_same(source, target, digest, from_repository=SOURCE, to_repository=TARGET):
    """The target has the same bytes under the digest, and all that they name."""
    document = target.storage.manifest(to_repository, digest)
    assert document == source.storage.manifest(from_repository, digest)
    manifest = json.loads(document[2])
    for child in manifest.get("manifests", []):
        assert_same(source, target, child["digest"], from_repository, to_repository)
    for blob in manifest.get("layers", []) + ([manifest["config"]] if "config" in manifest else []):
        assert sha256(target.blob(to_repository, blob["digest"])) == blob["digest"]


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_image_keeps_its_bytes(run, registry, family):
    source, target = registry("d28"), registry("d28")
    base = image(family=family)
    output = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:2", "--tag",
                  "3").json()
    assert output == {
        "reference": f"{target.host}/{TARGET}@{base.digest}", "tags": ["2", "3"],
        "mediaType": base.manifest["mediaType"], "digest": base.digest,
        "size": len(encode(base.manifest)), "manifests": 1,
        "blobs": {"copied": 3, "mounted": 0, "existing": 0},
        "bytesCopied": len(encode(base.config)) + sum(map(len, base.layers))}
    assert_same(source, target, base.digest)
    assert target.storage.tag_history == [(TARGET, "2", base.digest), (TARGET, "3", base.digest)]
    assert source.journal.entries("patch", "commit", "manifest-put") == []
    assert_history(target)


def test_result_is_one_line(run, registry, tmp_path):
    source = registry("d28")
    base = image()
    reference = base.put(source, SOURCE, "1")
    result = run("copy", "--digest-file", tmp_path / "digest", reference, "null:")
    assert (result.rc, result.stdout) == (0, f"null:@{base.digest}\n")
    assert (tmp_path / "digest").read_text().strip() == base.digest
    assert source.journal.entries("blob-get") == []


def test_blobs_that_exist_are_not_read(run, registry):
    source, target = registry("d28"), registry("d28")
    reference = image().put(source, SOURCE, "1")
    copy(run, reference, f"{target.host}/{TARGET}:1").json()
    source.journal.clear()
    target.journal.clear()
    output = copy(run, reference, f"{target.host}/{TARGET}:1").json()
    assert output["blobs"] == {"copied": 0, "mounted": 0, "existing": 3}
    assert source.journal.entries("blob-get") == []
    assert target.journal.entries("open", "mount", "manifest-put") == []


def test_tag_that_names_the_image_is_all_that_is_asked_for(run, registry):
    source, target = registry("d28"), registry("d28")
    reference = image().put(source, SOURCE, "1")
    copy(run, reference, f"{target.host}/{TARGET}:1").json()
    target.journal.clear()
    output = copy(run, reference, f"{target.host}/{TARGET}:1").json()
    assert output["blobs"] == {"copied": 0, "mounted": 0, "existing": 3}
    assert target.journal.steps() == ["manifest-head"]
    target.journal.clear()
    output = copy(run, reference, f"{target.host}/{TARGET}:1", "--tag", "2").json()
    assert output["tags"] == ["1", "2"]
    assert target.journal.steps() == ["manifest-head", "manifest-head", "manifest-put"]
    assert [tag for _, tag, _ in target.storage.tag_history] == ["1", "2"]


@pytest.mark.parametrize("answer", [{"status": 403}, {"status": 500}, {"status": 404}])
def test_copy_does_not_need_the_look_at_the_tag(answer, run, registry):
    """The image is there, but the registry does not say so at first."""
    source = registry("d28")
    target = registry("d28", Fault("manifest-head", "status", nth=2, **answer))
    base = image()
    reference = base.put(source, SOURCE, "1")
    for _ in range(2):
        copy(run, reference, f"{target.host}/{TARGET}:1", "--retry", "0").json()
    assert len(target.journal.entries("manifest-put")) == 1
    assert len(target.journal.entries("blob-head")) == 6
    assert_same(source, target, base.digest)


def test_tag_of_another_image_is_moved(run, registry):
    source, target = registry("d28"), registry("d28")
    for arch in ["amd64", "arm64"]:
        base = image(arch)
        copy(run, base.put(source, SOURCE, arch), f"{target.host}/{TARGET}:1").json()
        assert_same(source, target, base.digest)
    assert target.storage.tag_history[-1] == (TARGET, "1", base.digest)
    assert len(target.storage.tag_history) == 2


@pytest.mark.parametrize("missing", [0, 2])
def test_index_without_one_of_its_images_is_completed(missing, run, registry):
    """Some registries take an index without its images."""
    source = registry("d28")
    target = registry(profile("d28", manifest_checks_blobs=False))
    index, children = put_platforms(source)
    digest = copy(run, index, f"{target.host}/{TARGET}:1", "--all").json()["digest"]
    target.storage.manifest_remove(TARGET, children[missing][0].digest)
    target.journal.clear()
    output = copy(run, index, f"{target.host}/{TARGET}:1", "--all").json()
    assert output["blobs"]["copied"] == 0
    assert len(target.journal.entries("manifest-put")) == 1
    assert_same(source, target, digest)


def test_whole_index_needs_one_head_for_each_manifest(run, registry):
    source, target = registry("d28"), registry("d28")
    index, _ = put_platforms(source)
    first = copy(run, index, f"{target.host}/{TARGET}:1", "--all").json()
    target.journal.clear()
    again = copy(run, index, f"{target.host}/{TARGET}:1", "--all").json()
    assert again["manifests"] == first["manifests"] and again["blobs"]["copied"] == 0
    assert again["blobs"]["existing"] == first["blobs"]["copied"]
    assert target.journal.steps() == ["manifest-head"] * 4


def test_blobs_of_the_same_registry_are_mounted(run, registry):
    server = registry("d28")
    base = image()
    output = copy(run, base.put(server, SOURCE, "1"), f"{server.host}/{TARGET}:1").json()
    assert output["blobs"] == {"copied": 0, "mounted": 3, "existing": 0}
    assert server.journal.entries("blob-get", "open") == []
    assert_same(server, server, base.digest)


def test_mount_that_is_refused_becomes_a_copy(run, registry):
    server = registry("d28", Fault("mount", "status", status=403, times=None))
    base = image()
    output = copy(run, base.put(server, SOURCE, "1"), f"{server.host}/{TARGET}:1").json()
    assert output["blobs"] == {"copied": 3, "mounted": 0, "existing": 0}
    assert_same(server, server, base.digest)


def test_same_repository_sets_tags_only(run, registry):
    """Nothing is read or sent but the manifest, also for an index whose images are not all there."""
    server = registry(profile("d28", manifest_checks_blobs=False))
    base = image()
    reference = base.put(server, SOURCE, "1")
    assert copy(run, reference, reference).json()["digest"] == base.digest
    assert server.journal.entries("manifest-put", "blob-head", "blob-get") == []
    index = put_index(server, SOURCE, "sparse", [(image("arm64"), PLATFORMS[1])])
    output = copy(run, index, f"{server.host}/{SOURCE}:new", "--all").json()
    assert server.tags(SOURCE)["new"] == output["digest"]
    assert len(server.journal.entries("manifest-put")) == 1


def test_all_copies_index_with_everything(run, registry):
    """Nested indexes, attestations, and blobs that an index names itself (build caches)."""
    source, target = registry("d28"), registry("d28")
    children = [(image(kind["architecture"]), kind) for kind in PLATFORMS]
    attestation = Base([b"{}"])
    attestation.manifest["layers"][0]["mediaType"] = "application/vnd.in-toto+json"
    children.append((attestation, {"os": "unknown", "architecture": "unknown"}))
    for child, _ in children:
        child.put(source, SOURCE, child.digest)
    inner, rest = children[:2], children[2:]
    put_index(source, SOURCE, "inner", inner)
    nested = source.storage.manifest(SOURCE, source.tags(SOURCE)["inner"])[2]
    cache = b"cache of a build"
    source.storage.put_blob(SOURCE, cache)
    entries = [descriptor(INDEX_TYPE, nested), descriptor(OCI + "layer.v1.tar+gzip", cache)] + [
        {**descriptor(child.manifest["mediaType"], encode(child.manifest)), "platform": kind}
        for child, kind in rest + inner[:1]]
    index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})
    source.storage.put_manifest(SOURCE, "all", index, INDEX_TYPE)
    output = copy(run, f"{source.host}/{SOURCE}:all", f"{target.host}/{TARGET}:1", "--all").json()
    assert output["digest"] == sha256(index) and output["mediaType"] == INDEX_TYPE
    assert output["blobs"]["copied"] == 3 * 2 + 1 + 2 + 1
    for digest in [sha256(nested)] + [child.digest for child, _ in children]:
        assert target.storage.manifest(TARGET, digest) == source.storage.manifest(SOURCE, digest)
    assert target.blob(TARGET, sha256(cache)) == cache
    puts = [entry.path.rpartition("/")[2] for entry in target.journal.entries("manifest-put")]
    assert puts[-1] == "1" and puts.index(sha256(nested)) > max(
        puts.index(child.digest) for child, _ in inner)


@pytest.mark.parametrize("platform, arch", [("linux/arm64", "arm64"), ("linux/s390x", "s390x")])
def test_platform_chooses_one_image(run, registry, platform, arch):
    source, target = registry("d28"), registry("d28")
    reference, children = put_platforms(source)
    chosen = {kind["architecture"]: child for child, kind in children}[arch]
    output = copy(run, reference, f"{target.host}/{TARGET}:1", "--platform", platform).json()
    assert output["digest"] == chosen.digest
    assert target.tags(TARGET) == {"1": chosen.digest}
    result = copy(run, reference, f"{target.host}/{TARGET}:2", "--platform", "linux/riscv64")
    assert result.rc == 5 and "linux/s390x" in result.stderr, result


def test_all_takes_a_single_image_too(run, registry):
    """In a script that copies any reference."""
    source, target = registry("d28"), registry("d28")
    base = image()
    output = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1", "--all").json()
    assert (output["digest"], output["manifests"]) == (base.digest, 1)


def test_second_copy_sends_nothing(run, registry):
    """Several tags, each set once; the second run asks and sends no data."""
    source, target = registry("d28"), registry("d28")
    reference, _ = put_platforms(source)
    words = ["--all", "--tag", "2", "--tag", "stable"]
    first = copy(run, reference, f"{target.host}/{TARGET}:1", *words)
    assert first.json()["tags"] == ["1", "2", "stable"], first
    assert len(set(target.tags(TARGET).values())) == 1
    source.journal.clear()
    target.journal.clear()
    again = copy(run, reference, f"{target.host}/{TARGET}:1", *words).json()
    assert again["blobs"]["copied"] == again["bytesCopied"] == 0
    assert not target.journal.entries("open") and not target.journal.entries("manifest-put")
    assert not source.journal.entries("blob-get")


def test_platform_of_an_image_must_be_the_one_asked_for(run, registry, tmp_path):
    source, target = registry("d28"), registry("d28")
    reference = image("s390x").put(source, SOURCE, "1")
    result = copy(run, reference, f"{target.host}/{TARGET}:1", "--platform", "linux/arm64")
    assert result.rc == 5 and "is for linux/s390x, not for linux/arm64" in result.stderr, result
    assert not target.tags(TARGET)
    assert copy(run, reference, f"oci-archive:{tmp_path}/a.tar:1").rc == 0
    archive = f"oci-archive:{tmp_path}/a.tar"
    for platform, code in [("linux/arm64", 5), ("linux/s390x", 0)]:
        for start in (reference, archive):
            result = copy(run, start, f"{target.host}/{TARGET}:1", "--platform", platform)
            assert result.rc == code, result


def test_index_without_option_gives_this_platform_and_says_so(run, registry):
    source, target = registry("d28"), registry("d28")
    reference, children = put_platforms(source)
    machine = subprocess.run(["uname", "-m"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.strip()
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    result = copy(run, reference, f"{target.host}/{TARGET}:1")
    chosen = {kind["architecture"]: child for child, kind in children}[arch]
    assert result.json()["digest"] == chosen.digest
    assert "is an index" in result.stderr and "--all" in result.stderr
    assert f"linux/{arch}" in result.stderr


def test_destination_digest_must_match(run, registry):
    source, target = registry("d28"), registry("d28")
    base = image()
    reference = base.put(source, SOURCE, "1")
    wrong = copy(run, reference, f"{target.host}/{TARGET}@sha256:{'0' * 64}")
    assert wrong.rc == 9 and base.digest in wrong.stderr, wrong
    assert target.journal.entries("blob-head", "open", "manifest-put") == []
    copy(run, reference, f"{target.host}/{TARGET}@{base.digest}", "--tag", "v1").json()
    assert target.tags(TARGET) == {"v1": base.digest}
    copy(run, f"{source.host}/{SOURCE}@{base.digest}", f"{target.host}/other", "--untagged").json()
    assert target.tags("other") == {}
    assert target.storage.manifest("other", base.digest) is not None


def test_wrong_bytes_are_not_published(run, registry):
    source, target = registry("d28"), registry("d28")
    base = image()
    reference = base.put(source, SOURCE, "1")
    wrong = bytearray(base.layers[0])
    wrong[700] ^= 1
    source.storage.blob_add(SOURCE, sha256(base.layers[0]), len(wrong), bytes(wrong))
    result = copy(run, reference, f"{target.host}/{TARGET}:1")
    assert result.rc == 9, result
    assert target.tags(TARGET) == {} and target.storage.manifests() == []
    assert target.open_sessions() == []


def test_broken_download_goes_on_where_it_was(run, registry):
    source = registry("d28", Fault("blob-get", "reset", at="answer", sent=1 << 20))
    target = registry("d28")
    base = image(size=3 << 20)
    output = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1", "--jobs",
                  "1").json()  # the largest blob is the first
    assert output["digest"] == base.digest
    ranges = [entry.headers["range"] for entry in source.journal.entries("blob-get")
              if "range" in entry.headers]
    assert len(ranges) == 1 and ranges[0] != "bytes=0-", source.journal
    assert len(target.journal.entries("open")) == 3, "the upload was not started again"
    assert_same(source, target, base.digest)


@pytest.mark.parametrize("step", ["blob-get", "commit", "manifest-put"])
def test_failed_copy_sets_no_tag(run, registry, step):
    fault = Fault(step, "status", status=403, times=None)
    source = registry("d28", *([fault] if step == "blob-get" else []))
    target = registry("d28", *([] if step == "blob-get" else [fault]))
    reference, _ = put_platforms(source)
    result = copy(run, reference, f"{target.host}/{TARGET}:1", "--all")
    assert result.rc in (4, 7) and result.stdout == "", result
    assert target.tags(TARGET) == {} and target.open_sessions() == []


def test_child_that_is_missing_is_named(run, registry):
    source, target = registry("d28"), registry("d28")
    child = image("arm64")
    index = put_index(source, SOURCE, "sparse", [(child, PLATFORMS[1])])
    result = copy(run, index, f"{target.host}/{TARGET}:1", "--all")
    assert result.rc == 5 and child.digest in result.stderr, result
    assert target.storage.manifests() == []


@pytest.mark.parametrize("in_index", [False, True])
def test_schema_1_is_refused(run, registry, in_index):
    source, target = registry("d28"), registry("d28")
    kind = DOCKER + "distribution.manifest.v1+prettyjws"
    old = encode({"schemaVersion": 1, "name": "x", "fsLayers": [], "history": []})
    source.storage.put_manifest(SOURCE, "1", old, kind)
    if in_index:
        index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE,
                        "manifests": [descriptor(kind, old)]})
        source.storage.put_manifest(SOURCE, "1", index, INDEX_TYPE)
    result = copy(run, f"{source.host}/{SOURCE}:1", f"{target.host}/{TARGET}:1", "--all")
    assert result.rc != 0 and "schema 1" in result.stderr, result


def test_foreign_layers_stay_where_they_are(run, registry):
    source, target = registry("d28"), registry("d28")
    base = image()
    foreign = base.manifest["layers"][0]
    foreign["mediaType"] = OCI + "layer.nondistributable.v1.tar"
    foreign["urls"] = ["https://example.com/layer"]
    result = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1")
    assert result.json()["blobs"]["copied"] == 2
    assert "not distributable" in result.stderr
    assert target.blob(TARGET, foreign["digest"]) is None


@pytest.mark.parametrize("kind, listed", [("d28", False), ("zot", True)])
def test_referrer_is_found_through_its_subject(run, registry, kind, listed):
    """A copy of a manifest with a subject updates the referrers tag where the registry needs it."""
    source, target = registry("d28"), registry(kind)
    subject = image()
    copy(run, subject.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1").json()
    signature = Base([b"signature"])
    signature.manifest.update(artifactType="application/x.signature", subject=descriptor(
        subject.manifest["mediaType"], encode(subject.manifest)))
    reference = signature.put(source, SOURCE, "sig")
    copy(run, reference, f"{target.host}/{TARGET}:sig").json()
    tag = subject.digest.replace(":", "-")
    assert (tag in target.tags(TARGET)) == (not listed)
    if not listed:
        index = target.manifest(TARGET, tag)
        assert [entry["digest"] for entry in index["manifests"]] == [signature.digest]
        assert index["manifests"][0]["artifactType"] == "application/x.signature"


def test_each_registry_gets_its_own_credentials(command, registry):
    source = registry("d28", auth=Auth("basic", {"reader": "red"}))
    target = registry("d28", auth=Auth("basic", {"writer": "white"}))
    write_config(command.home, {"auths": {
        source.host: {"auth": basic("reader", "red")},
        target.host: {"auth": basic("writer", "white")}}})
    base = image()
    reference = base.put(source, SOURCE, "1")
    assert copy(command.run, reference, f"{target.host}/{TARGET}:1").json()["digest"] == base.digest
    refused = copy(command.run, reference, f"{target.host}/{TARGET}:1", "--username", "writer",
                   "--password-stdin", input=b"white")
    assert refused.rc == 2 and "--authfile" in refused.stderr, refused


def test_jobs_copy_several_blobs_at_a_time(run, registry):
    """With one job the second blob is not asked for while the first one stalls."""
    stall = Fault("blob-get", "stall", at="answer", sent=10)
    source, target = registry("d28", stall), registry("d28")
    base = image()
    reference = base.put(source, SOURCE, "1")
    stalled = []

    def release(_registry, _request, _answer):
        stalled.append(len(source.journal.entries("blob-get")))
        if len(stalled) == 2:
            stall.release()
    source.faults.add(Fault("blob-get", "call", call=release, times=None))
    copy(run, reference, f"{target.host}/{TARGET}:1", "--jobs", "2").json()
    assert_same(source, target, base.digest)


# Layouts.

def test_with_one_job_all_requests_follow_one_another(run, registry):
    server = registry("d28")
    reference = image().put(server, SOURCE, "1")
    for _ in range(2):
        copy(run, reference, f"{server.host}/{TARGET}:1", "--jobs", "1").json()
    entries = list(server.journal)
    assert all(one.ended <= two.started for one, two in zip(entries, entries[1:])), server.journal


def test_index_to_layout_and_back(run, registry, tmp_path, tool):
    """index.json of the layout lists the index, not its images; other tools read it."""
    source, target = registry("d28"), registry("d28")
    reference, children = put_platforms(source)
    layout = tmp_path / "layout"
    digest = copy(run, reference, f"oci:{layout}:v1", "--all").json()["digest"]
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    assert [entry["digest"] for entry in entries] == [digest]
    assert check_layout(layout) == []
    raw = subprocess.run([tool("skopeo"), "inspect", "--raw", f"oci:{layout}:v1"], check=True,
                         stdout=subprocess.PIPE).stdout
    assert sha256(raw) == digest
    back = copy(run, f"oci:{layout}", f"{target.host}/{TARGET}:1", "--all").json()
    assert back["digest"] == digest
    assert_same(source, target, digest)
    again = copy(run, f"oci:{layout}:v1", f"oci:{tmp_path}/second:v2", "--platform",
                 "linux/arm64").json()
    assert again["digest"] == children[1][0].digest
    assert check_layout(tmp_path / "second") == []


def test_layout_with_several_images_needs_a_tag(run, registry, tmp_path):
    source = registry("d28")
    reference = image().put(source, SOURCE, "1")
    for tag in ("one", "two"):
        copy(run, reference, f"oci:{tmp_path}/layout:{tag}").json()
    result = copy(run, f"oci:{tmp_path}/layout", "null:")
    assert result.rc in (2, 5) and "one" in result.stderr and "two" in result.stderr, result


# Usage.

def test_all_and_platform_cannot_be_combined(run):
    result = run("copy", "--all", "--platform", "linux/amd64", "oci:a:b", "null:")
    assert result.rc == 2 and "--all" in result.stderr


def test_source_that_does_not_exist(run, registry, tmp_path):
    source = registry("d28")
    result = run("copy", f"{source.host}/{SOURCE}:none", f"oci:{tmp_path}/new:1")
    assert result.rc == 5, result
    assert not (tmp_path / "new").exists(), "the destination was made although nothing is copied"


# Other programs.

@pytest.mark.parametrize("judge", ["skopeo", "crane", "regctl", "oras"])
def test_other_programs_find_the_same_index(run, registry, docker_registry, tool, judge):
    source, target = registry("d28"), docker_registry()
    reference, _ = put_platforms(source)
    digest = copy(run, reference, f"{target.host}/{TARGET}:1", "--all").json()["digest"]
    name = f"{target.host}/{TARGET}:1"
    command = {"skopeo": ["inspect", "--raw", "--tls-verify=false", f"docker://{name}"],
               "crane": ["manifest", "--insecure", name],
               "regctl": ["--host", f"reg={target.host},tls=disabled", "manifest", "get",
                          "--format", "raw-body", name],
               "oras": ["manifest", "fetch", "--plain-http", name]}[judge]
    raw = subprocess.run([tool(judge), *command], check=True, stdout=subprocess.PIPE).stdout
    assert sha256(raw) == digest
