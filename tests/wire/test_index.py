# SPDX-License-Identifier: Apache-2.0
"""layerpipe index: one name for the images of several platforms, also when several jobs make it at
the same time."""
import concurrent.futures
import json
import subprocess

import pytest
from cli_support import make_tar
from image_support import DOCKER, INDEX_TYPE, Base, descriptor, encode, put_index
from inputs import sha256
from layout_fsck import check as check_layout
from registry import Fault

NAME = "some/app"
ARCHES = ["amd64", "arm64", "s390x", "riscv64"]


def image(arch, family="oci", text=b"text"):
    return Base([make_tar({arch: text})], family=family, arch=arch)


def put_images(server, repository=NAME, arches=("amd64", "arm64"), family="oci"):
    """Stores an image for each architecture under its name; returns images and references."""
    images = [image(arch, family) for arch in arches]
    return images, [base.put(server, repository, arch) for base, arch in zip(images, arches)]


def index(run, server, *arguments, tag="1", **more):
    return run("index", "--json", f"{server.host}/{NAME}:{tag}", *arguments, **more)


def entry(base, platform=None, **more):
    if platform is None:
        platform = {"architecture": base.config["architecture"], "os": "linux"}
    return {"mediaType": base.manifest["mediaType"], "size": len(encode(base.manifest)),
            "digest": base.digest, "platform": platform, **more}


def digests(document):
    return [item["digest"] for item in document["manifests"]]


def test_platforms_are_read_from_configs(run, registry):
    server = registry("d28")
    images, references = put_images(server)
    output = index(run, server, *references, "--tag", "latest", "--annotation", "k=v").json()
    document = server.manifest(NAME, "1")
    assert document == {"schemaVersion": 2, "mediaType": INDEX_TYPE,
                        "manifests": [entry(base) for base in images], "annotations": {"k": "v"}}
    assert output["mediaType"] == INDEX_TYPE and output["tags"] == ["1", "latest"]
    assert server.tags(NAME)["latest"] == server.tags(NAME)["1"] == output["digest"]
    assert server.journal.entries("open", "mount", "blob-head") == []


def test_same_images_give_the_same_bytes(run, registry):
    server, other = registry("d28"), registry("zot")
    first = index(run, server, *put_images(server)[1]).json()
    second = index(run, other, *put_images(other)[1]).json()
    assert first["digest"] == second["digest"]


@pytest.mark.parametrize("options, expected", [
    ([], DOCKER + "distribution.manifest.list.v2+json"), (["--format", "oci"], INDEX_TYPE),
    (["--annotation", "a=b"], INDEX_TYPE)])
def test_docker_images_make_a_docker_list(run, registry, options, expected):
    server = registry("d28")
    images, references = put_images(server, family="docker")
    assert index(run, server, *options, *references).json()["mediaType"] == expected
    assert digests(server.manifest(NAME, "1")) == [base.digest for base in images]


@pytest.mark.parametrize("options", [["--format", "docker"],
                                     ["--format", "docker", "--annotation", "a=b"]])
def test_docker_list_cannot_have_everything(run, registry, options):
    server = registry("d28")
    _, references = put_images(server)
    result = index(run, server, *options, *references)
    assert result.rc == 2 and "OCI format" in result.stderr, result
    assert "1" not in server.tags(NAME)


def test_platform_belongs_to_the_next_reference(run, registry):
    server = registry("d28")
    images, references = put_images(server)
    result = index(run, server, "--platform", "linux/arm/v6", references[0], references[1])
    result.json()
    assert "linux/amd64" in result.stderr and "linux/arm/v6" in result.stderr
    assert server.manifest(NAME, "1")["manifests"] == [
        entry(images[0], {"architecture": "arm", "os": "linux", "variant": "v6"}),
        entry(images[1])]


@pytest.mark.parametrize("arguments", [
    ["--platform", "linux/arm", "null:", "oci:a:b"], ["null:", "oci:a:b", "--platform", "linux/arm"],
    ["null:", "--platform", "linux/arm", "--platform", "linux/arm64", "oci:a:b"]])
def test_platform_without_reference_is_a_usage_error(run, arguments):
    result = run("index", *arguments)
    assert result.rc == 2 and "before the reference" in result.stderr, result


def test_two_images_for_one_platform_are_refused(run, registry):
    server = registry("d28")
    one, two = image("amd64"), image("amd64", text=b"other")
    references = [one.put(server, NAME, "one"), two.put(server, NAME, "two")]
    result = index(run, server, *references)
    assert result.rc == 2 and "linux/amd64" in result.stderr and one.digest in result.stderr
    assert digests({"manifests": [{"digest": one.digest}]}) and "1" not in server.tags(NAME)
    index(run, server, references[0], references[0]).json()
    assert digests(server.manifest(NAME, "1")) == [one.digest]


def test_images_that_cannot_be_in_one_index_are_not_sent(run, registry):
    source, target = registry("d28"), registry("d28")
    references = [image("amd64", text=text).put(source, NAME, text.decode()) for text in (b"one", b"two")]
    result = index(run, target, *references)
    assert result.rc == 2 and "linux/amd64" in result.stderr
    assert target.journal.entries("open", "commit", "manifest-put") == []


def test_images_of_other_repositories_are_mounted_and_of_other_registries_copied(run, registry):
    server, other = registry("d28"), registry("d28")
    near, far = image("amd64"), image("arm64")
    output = index(run, server, near.put(server, "near/app", "x"),
                   far.put(other, "far/app", "x")).json()
    assert output["blobs"] == {"copied": 2, "mounted": 2, "existing": 0}
    for base in (near, far):
        assert json.loads(server.storage.manifest(NAME, base.digest)[2]) == base.manifest
        assert server.blob(NAME, base.manifest["config"]["digest"]) == encode(base.config)
    assert server.tags(NAME) == {"1": output["digest"]}


def test_index_as_reference_gives_all_its_entries(run, registry):
    server = registry("d28")
    images, _ = put_images(server)
    attestation = Base([b"{}"])
    attestation.put(server, NAME, attestation.digest)
    unknown = {"architecture": "unknown", "os": "unknown"}
    note = {"vnd.docker.reference.digest": images[0].digest}
    entries = [entry(images[0], annotations={"note": "kept"}),
               entry(attestation, unknown, annotations=note)]
    server.storage.put_manifest(NAME, "built", encode(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}), INDEX_TYPE)
    index(run, server, f"{server.host}/{NAME}:built", f"{server.host}/{NAME}:arm64").json()
    assert server.manifest(NAME, "1")["manifests"] == [
        {**item, "annotations": item["annotations"]} for item in entries] + [entry(images[1])]
    index(run, server, "--platform", "linux/amd64", f"{server.host}/{NAME}:built", tag="2").json()
    assert digests(server.manifest(NAME, "2")) == [images[0].digest]


def test_artifact_has_no_platform(run, registry):
    server = registry("d28")
    artifact = Base([b"x"])
    artifact.manifest["artifactType"] = "application/x"
    artifact.manifest["config"] = descriptor("application/vnd.oci.empty.v1+json", b"{}")
    artifact.config = {}
    reference = artifact.put(server, NAME, "artifact")
    index(run, server, reference).json()
    assert server.manifest(NAME, "1")["manifests"] == [
        {**{key: value for key, value in entry(artifact, {}).items() if key != "platform"},
         "artifactType": "application/x"}]


# --append

def test_append_keeps_other_entries_and_replaces_the_platform(run, registry):
    server = registry("d28")
    images, references = put_images(server, arches=ARCHES[:3])
    attestation = Base([b"{}"])
    attestation.put(server, NAME, attestation.digest)
    unknown = {"architecture": "unknown", "os": "unknown"}
    old = [entry(images[0]), entry(attestation, unknown, annotations={
        "vnd.docker.reference.digest": images[0].digest}), entry(images[1])]
    server.storage.put_manifest(NAME, "1", encode(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": old,
         "annotations": {"old": "1"}}), INDEX_TYPE)
    new = image("amd64", text=b"new")
    index(run, server, "--append", new.put(server, NAME, "new"), references[2], "--annotation",
          "new=2").json()
    assert server.manifest(NAME, "1") == {
        "schemaVersion": 2, "mediaType": INDEX_TYPE,
        "manifests": [entry(new), entry(images[1]), entry(images[2])],
        "annotations": {"new": "2", "old": "1"}}


def test_append_makes_a_new_index_and_refuses_an_image(run, registry):
    server = registry("d28")
    images, references = put_images(server)
    index(run, server, "--append", references[0]).json()
    assert digests(server.manifest(NAME, "1")) == [images[0].digest]
    result = index(run, server, "--append", references[1], tag="amd64")
    assert result.rc == 2 and "not an index" in result.stderr, result
    assert server.tags(NAME)["amd64"] == images[0].digest


def test_append_that_was_overwritten_is_repeated(run, registry):
    """Another client puts an index that it made before: the entry is added again."""
    server = registry("d28")
    images, references = put_images(server, arches=ARCHES[:3])
    put_index(server, NAME, "1", [(images[0], {"os": "linux", "architecture": "amd64"})])
    overwritten = []

    def overwrite(_registry, request, _answer):
        if request.path.endswith("/1") and not overwritten:
            overwritten.append(put_index(server, NAME, "1", [
                (images[0], {"os": "linux", "architecture": "amd64"}),
                (images[1], {"os": "linux", "architecture": "arm64"})]))
    server.faults.add(Fault("manifest-put", "call", at="done", call=overwrite, times=None))
    result = index(run, server, "--append", references[2])
    result.json()
    assert overwritten and "another client" in result.stderr
    assert digests(server.manifest(NAME, "1")) == [base.digest for base in images]


# --skip-missing

def test_skip_missing_leaves_out_what_is_not_there(run, registry):
    server = registry("d28")
    images, references = put_images(server)
    missing = f"{server.host}/{NAME}:none"
    index(run, server, "--skip-missing", missing, references[1]).json()
    assert digests(server.manifest(NAME, "1")) == [images[1].digest]
    for options in ([], ["--skip-missing"]):
        result = index(run, server, *options, missing, tag="2")
        assert result.rc == 5 and "2" not in server.tags(NAME), result


def test_image_that_appears_during_the_put_is_added(run, registry):
    server = registry("d28")
    images, references = put_images(server, arches=ARCHES[:1])
    late = image("arm64")

    def appear(_registry, request, _answer):
        if request.path.endswith("/1"):
            late.put(server, NAME, "arm64")
    server.faults.add(Fault("manifest-put", "call", at="done", call=appear))
    index(run, server, "--skip-missing", references[0], f"{server.host}/{NAME}:arm64").json()
    assert digests(server.manifest(NAME, "1")) == [images[0].digest, late.digest]


def run_jobs(command, host, number, options, push):
    """Jobs of one matrix: each pushes its image and then runs `index`; returns the results."""
    arches = ARCHES[:3]
    name = f"{host}/{NAME}"
    tags = [f"{name}:{number}-{arch}" for arch in arches]

    def job(arch):
        pushed = command.run("push", "-q", "--threads", "0", "--platform", f"linux/{arch}",
                             f"{name}:{number}-{arch}", "-", input=make_tar({arch: b"x"}))
        assert pushed.rc == 0, pushed
        return command.run("index", "-q", *options, f"{name}:{number}",
                           *(tags if push else [f"{name}:{number}-{arch}"]))
    with concurrent.futures.ThreadPoolExecutor(len(arches)) as pool:
        return list(pool.map(job, arches)), arches


def assert_complete(document, arches):
    assert sorted(item["platform"]["architecture"] for item in document["manifests"]) == \
        sorted(arches)


@pytest.mark.parametrize("rounds", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_jobs_at_the_same_time_lose_no_image(command, docker_registry, rounds):
    """Each job pushes its platform and names all: the index is complete when the last one ends."""
    server = docker_registry()
    for number in range(rounds):
        results, arches = run_jobs(command, server.host, number, ["--skip-missing"], True)
        assert all(result.rc == 0 for result in results), results
        status, _, body = server.request("GET", f"/v2/{NAME}/manifests/{number}", headers={
            "Accept": INDEX_TYPE})
        assert status == 200
        assert_complete(json.loads(body), arches)


def test_jobs_at_the_same_time_in_any_order_of_requests(command, registry):
    """The same with the fake registry, which answers in between in every order."""
    server = registry("d28", rtt=0.004)
    for number in range(10):
        results, arches = run_jobs(command, server.host, number, ["--skip-missing"], True)
        assert all(result.rc == 0 for result in results), results
        assert_complete(server.manifest(NAME, str(number)), arches)


def test_own_entries_are_there_when_append_ends(command, registry):
    """What --append promises: the entries of the call were in the tag's index when it had put."""
    server = registry("d28")
    for number in range(3):
        results, arches = run_jobs(command, server.host, number, ["--append"], False)
        assert all(result.rc == 0 for result in results), results
        put = {}
        for repository, tag, digest in list(server.storage.tag_history):
            if (repository, tag) == (NAME, str(number)):
                document = json.loads(server.storage.manifest(NAME, digest)[2])
                put.update((item["platform"]["architecture"], digest)
                           for item in document["manifests"])
        assert set(put) == set(arches)


# Layouts and other programs.

def test_index_in_a_layout(run, registry, tmp_path):
    server = registry("d28")
    images, references = put_images(server)
    name = f"oci:{tmp_path}/layout:1"
    assert run("index", name, *references).rc == 0
    assert check_layout(tmp_path / "layout") == []
    shown = run("inspect", "--json", name).json()
    assert digests(shown["manifest"]) == [base.digest for base in images]
    result = run("index", "--append", name, image("s390x").put(server, NAME, "s390x"))
    assert result.rc == 0, result
    assert len(run("inspect", "--json", name).json()["manifest"]["manifests"]) == 3
    assert len(json.loads((tmp_path / "layout/index.json").read_text())["manifests"]) in (1, 2)


def test_null_prints_the_digest(run, registry):
    server = registry("d28")
    _, references = put_images(server)
    result = run("index", "null:", *references)
    assert result.rc == 0 and result.stdout.startswith("null:@sha256:"), result
    assert index(run, server, *references).json()["digest"] in result.stdout


@pytest.mark.parametrize("judge", ["skopeo", "crane"])
def test_other_programs_choose_from_the_index(run, registry, docker_registry, tool, judge):
    source, server = registry("d28"), docker_registry()
    images, references = put_images(source)
    assert index(run, server, *references).rc == 0
    name = f"{server.host}/{NAME}:1"
    command = {"skopeo": ["inspect", "--tls-verify=false", "--override-arch", "arm64", "--override-os",
                          "linux", "--format", "{{.Digest}} {{.Architecture}}", f"docker://{name}"],
               "crane": ["config", "--insecure", "--platform", "linux/arm64", name]}[judge]
    out = subprocess.run([tool(judge), *command], check=True, stdout=subprocess.PIPE).stdout
    assert b"arm64" in out
    if judge == "crane":
        assert sha256(out.strip()) == sha256(encode(images[1].config))
