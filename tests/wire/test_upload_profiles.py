# SPDX-License-Identifier: Apache-2.0
"""Uploads to every kind of registry, without faults."""
import pytest
from registry import PROFILES, Fault, profile
from wire_support import (MIB, REPOSITORY, assert_history, assert_failed, assert_stored, noise,
                          parallel, patches, steps, upload)

CHUNK = ["--chunk-size", "1M"]
CHUNKED = ["--upload", "chunked"]
STREAMED = ["--upload", "streamed"]
# Profiles that accept several PATCHes with a Content-Range of one mebibyte each.
TAKES_CHUNKS = ["d28", "d3", "zot", "zot-old", "ggcr", "ggcr-new", "gitea", "pulp", "quay",
                "olareg", "harbor", "hub", "gitlab", "acr", "ghcr", "nexus", "artifactory-old"]


@pytest.mark.parametrize("name", PROFILES)
def test_auto_upload_works_with_every_profile(name, run, registry):
    """The command chooses the upload method, for a tiny blob, one chunk, and several chunks."""
    if name == "repsy":
        pytest.skip("keeps only the last chunk; another test covers it")
    for size in (100, MIB, 3 * MIB + 5):
        server = registry(name)
        assert_stored(server, upload(run, server, noise(size), *CHUNK), noise(size))


@pytest.mark.parametrize("name", PROFILES)
def test_streamed_upload_is_one_chunked_patch(name, run, registry):
    server = registry(name)
    data = noise(3 * MIB + 5)
    assert_stored(server, upload(run, server, data, *STREAMED), data)
    assert len(patches(server)) == 1
    assert "content-range" not in patches(server)[0].headers
    assert "chunked" in patches(server)[0].headers["transfer-encoding"]


@pytest.mark.parametrize("name", TAKES_CHUNKS)
def test_chunked_upload_has_chunks_with_ranges(name, run, registry):
    server = registry(name)
    data = noise(4 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNKED, *CHUNK), data)
    assert [entry.received for entry in patches(server)] == 4 * [MIB] + [5]
    spans = [entry.headers["content-range"] for entry in patches(server)]
    assert spans[:2] == [f"0-{MIB - 1}", f"{MIB}-{2 * MIB - 1}"]


def test_distribution_2_gets_open_patches_commit_head(run, registry):
    server = registry("d28")
    data = noise(7 * MIB - 100)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    wanted = steps(server, "open", "patch", "commit", "status", "cancel")
    assert wanted == ["open"] + 7 * ["patch"] + ["commit"]
    commit = server.journal.entries("commit")[0]
    assert commit.headers["content-length"] == "0"
    assert steps(server)[-1] == "blob-head"


def test_distribution_3_gets_patches_and_commit(run, registry):
    server = registry("d3")
    data = noise(7 * MIB - 100)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    assert steps(server, "patch", "commit") == 7 * ["patch"] + ["commit"]


def test_request_time_limit_of_registry_is_not_reached(run, registry):
    """One streamed request would take three times the limit."""
    server = registry(profile("zot", request_seconds=2), rate=2 * MIB)
    data = noise(12 * MIB)
    assert_stored(server, upload(run, server, data, "--chunk-size", "2M"), data)


def test_patch_status_204_is_accepted(run, registry):
    server = registry("ggcr")
    data = noise(3 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNKED, *CHUNK), data)
    assert {entry.status for entry in patches(server)} == {204}


@pytest.mark.parametrize("name", ["gitea", "pulp"])
def test_registry_without_append_gets_at_most_one_streamed_patch(name, run, registry):
    server = registry(name)
    data = noise(3 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    unranged = [entry for entry in patches(server) if "content-range" not in entry.headers]
    assert len(unranged) <= 1


def test_ecr_gets_last_chunk_in_commit(run, registry):
    server = registry("ecr", host_name="123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    data = noise(23 * MIB + 5)
    result = upload(run, server, data, *CHUNKED)
    assert_stored(server, result, data)
    sizes = [entry.received for entry in server.journal.entries("patch", "commit")]
    assert sizes == [10 * MIB, 10 * MIB, 3 * MIB + 5]
    commit = server.journal.entries("commit")[0]
    assert commit.headers["content-range"] == f"{20 * MIB}-{23 * MIB + 4}"


def test_ecr_host_name_selects_streamed_upload(run, registry):
    server = registry("ecr", host_name="123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    data = noise(3 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    assert len(patches(server)) == 1 and "content-range" not in patches(server)[0].headers


@pytest.mark.parametrize("host_name", ["ghcr.io", None])
def test_ghcr_host_name_selects_streamed_upload(host_name, run, registry):
    server = registry("ghcr", host_name=host_name)
    data = noise(13 * MIB + 5)
    assert_stored(server, upload(run, server, data, "--chunk-size", "6M"), data)
    if host_name:
        assert len(patches(server)) == 1 and "content-range" not in patches(server)[0].headers


@pytest.mark.parametrize("name", ["gar", "gar-first"])
def test_refused_chunk_changes_to_streamed_upload(name, run, registry):
    server = registry(name)
    data = noise(5 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    assert "content-range" not in patches(server)[-1].headers


def test_acr_host_name_limits_patch_size(run, registry):
    server = registry("acr", host_name="example.azurecr.io")
    data = noise(21 * MIB)
    assert_stored(server, upload(run, server, data), data)
    assert max(entry.received for entry in patches(server)) <= 8 * MIB
    assert all(entry.query.startswith("_nouploadcache=false&_state=") for entry in
               server.journal.entries("patch", "commit"))


def test_registry_with_equal_chunks_gets_equal_chunks(run, registry):
    server = registry("r2")
    data = noise(17 * MIB)
    assert_stored(server, upload(run, server, data, *CHUNK), data)
    sizes = [entry.received for entry in patches(server)]
    assert len(set(sizes[:-1])) == 1 and sizes[0] >= 5 * MIB and sizes[-1] <= sizes[0]
    assert server.journal.entries("commit")[0].headers["content-length"] == "0"


def test_registry_without_keepalive_gets_new_connections(run, registry):
    server = registry("quay")
    data = noise(4 * MIB + 5)
    assert_stored(server, upload(run, server, data, *CHUNK, "--retry", "0"), data)
    connections = [entry.connection for entry in server.journal]
    assert len(set(connections)) == len(connections)


def test_refused_single_put_changes_method(run, registry):
    server = registry("artifactory-old")
    data = noise(1024)
    assert_stored(server, upload(run, server, data), data)


def test_registry_that_keeps_only_last_chunk_fails_with_integrity_error(run, registry):
    server = registry("repsy")
    data = noise(3 * MIB + 5)
    result = upload(run, server, data, *CHUNKED, *CHUNK)
    assert result.rc == 9, result
    assert result.stdout == ""
    assert_history(server)


def test_four_layers_at_the_same_time_keep_order(run, registry, tmp_path):
    files = []
    for number in range(4):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(noise(2 * MIB + number, seed=number))
        files.append(path)
    server = registry("d28")
    result = run("push", "--json", "--raw", "--media-type", "application/x.test", "--compress", "none", *CHUNK,
                 f"{server.host}/{REPOSITORY}:latest", *files)
    output = result.json()
    assert [layer["size"] for layer in output["layers"]] == [2 * MIB + n for n in range(4)]
    assert server.tags() == {"latest": output["digest"]}
    assert server.open_sessions() == []
    assert_history(server)


def test_same_layer_four_times_at_the_same_time_succeeds(run, registry):
    server = registry("d28", Fault("patch", "stall", seconds=0.3, times=None))
    data = noise(2 * MIB + 5)
    results = []
    parallel(lambda _: results.append(upload(run, server, data, *CHUNK)), range(4))
    for result in results:
        assert_stored(server, result, data)


def test_stopped_registry_fails(run, registry):
    server = registry("d28")
    host = server.host
    server.stop()
    result = run("layer", "--raw", "--retry", "0", f"{host}/{REPOSITORY}", input=b"data")
    assert result.rc == 6
    assert_failed(server, result)
