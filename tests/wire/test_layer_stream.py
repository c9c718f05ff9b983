# SPDX-License-Identifier: Apache-2.0
"""A stream becomes a blob: known inputs have known diff IDs, and the registry has the blob that the
command reports."""
import gzip
import hashlib
import subprocess

import pytest
from inputs import random_bytes, sha256

REPOSITORY = "stream/main"
KNOWN = {
    "S1_empty": (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "S2_hello": (b"hello", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"),
    "S3_hi": (b"hi", "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"),
    "S4_letters": (b"a" * 10000,
                   "27dd1f61b867b6a0f6e9d8a41c43231de52107e53ae424de8f847b821db4b711"),
    "S5_zeros": (bytes(1 << 20),
                 "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58"),
    "S6_all_bytes": (bytes(range(256)) * 4096,
                     "fbbab289f7f94b25736c58be46a994c441fd02552cc6022352e3d86d2fab7c83"),
}
T1000_DIFF_ID = "sha256:0220e93a5c8387e77bd33d020b30ee1cd4cf49d376f158813aedc80a4e102201"
LEVELS = [f"gzip:{level}" for level in range(-2, 13)]


def write(run, server, data, *options):
    return run("layer", "--json", *options, f"{server.host}/{REPOSITORY}", input=data)


def stored(server, output):
    data = server.blob(REPOSITORY, output["digest"])
    assert data is not None
    assert sha256(data) == output["digest"]
    assert len(data) == output["size"]
    return data


@pytest.mark.parametrize("name", KNOWN)
def test_known_stream_has_known_diff_id(name, run, registry):
    data, diff_id = KNOWN[name]
    server = registry()
    output = write(run, server, data, "--raw", "--allow-empty").json()
    assert output["diffId"] == "sha256:" + diff_id
    assert output["uncompressedSize"] == len(data)
    assert output["size"] > 0
    assert output["reference"] == f"{server.host}/{REPOSITORY}@{output['digest']}"
    assert gzip.decompress(stored(server, output)) == data


@pytest.mark.parametrize("compress", LEVELS)
def test_every_gzip_level_gives_same_diff_id(compress, run, registry):
    data, diff_id = KNOWN["S4_letters"]
    server = registry()
    output = write(run, server, data, "--raw", "--compress", compress).json()
    assert output["diffId"] == "sha256:" + diff_id
    assert gzip.decompress(stored(server, output)) == data


def test_tar_of_thousand_files_has_known_diff_id(run, registry, t1000_tar):
    server = registry()
    output = write(run, server, t1000_tar).json()
    assert len(t1000_tar) == 1025024
    assert output["diffId"] == T1000_DIFF_ID
    blob = stored(server, output)
    decompressed = subprocess.run(["gzip", "-dc"], input=blob, check=True,
                                  stdout=subprocess.PIPE).stdout
    assert sha256(decompressed) == T1000_DIFF_ID


def test_incompressible_stream_grows_little(run, registry):
    data = random_bytes(10_000_000)
    server = registry()
    output = write(run, server, data, "--raw").json()
    assert 10_000_000 <= output["size"] <= 10_010_000
    blob = stored(server, output)
    assert hashlib.sha256(gzip.decompress(blob)).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("level", ["-3", "13", "99", "x"])
def test_invalid_gzip_level_is_wrong_usage(level, run, registry):
    server = registry()
    result = write(run, server, b"hello", "--raw", "--compress", f"gzip:{level}")
    assert result.rc == 2
    assert len(server.journal) == 0


@pytest.mark.parametrize("format_option, media_type", [
    ("oci", "application/vnd.oci.image.layer.v1.tar+gzip"),
    ("docker", "application/vnd.docker.image.rootfs.diff.tar.gzip")])
def test_format_and_media_type_options_set_media_type(format_option, media_type, run, registry,
                                                      tar_bytes):
    server = registry()
    output = write(run, server, tar_bytes, "--format", format_option).json()
    assert output["mediaType"] == media_type
    named = write(run, server, tar_bytes, "--media-type", media_type).json()
    assert named["mediaType"] == media_type


def test_media_type_that_contradicts_compression_is_wrong_usage(run, registry, tar_bytes):
    server = registry()
    result = write(run, server, tar_bytes, "--media-type",
                   "application/vnd.oci.image.layer.v1.tar")
    assert result.rc == 2
    assert server.blobs() == []


def test_stdout_has_reference_with_digest(run, registry, tar_bytes):
    server = registry()
    result = run("layer", f"{server.host}/{REPOSITORY}", input=tar_bytes)
    assert result.rc == 0, result
    digest = server.blobs(REPOSITORY)[0]
    assert result.stdout == f"{server.host}/{REPOSITORY}@{digest}\n"


@pytest.mark.parametrize("compress", ["gzip", "zstd", "none"])
def test_docker_registry_has_the_blob(compress, run, docker_registry, t1000_tar, tool):
    server = docker_registry()
    output = write(run, server, t1000_tar, "--compress", compress).json()
    assert output["diffId"] == T1000_DIFF_ID
    status, _, blob = server.request("GET", f"/v2/{REPOSITORY}/blobs/{output['digest']}")
    assert status == 200
    assert sha256(blob) == output["digest"] and len(blob) == output["size"]
    if compress == "gzip":
        assert gzip.decompress(blob) == t1000_tar
    elif compress == "none":
        assert blob == t1000_tar
    else:
        decompressed = subprocess.run([tool("zstd"), "-dc"], input=blob, check=True,
                                      stdout=subprocess.PIPE).stdout
        assert decompressed == t1000_tar
    assert server.open_sessions(REPOSITORY) == []


def test_docker_registry_over_tls_needs_its_authority(run, docker_registry, ca, tar_bytes):
    server = docker_registry(tls=True)
    assert write(run, server, tar_bytes).rc == 6
    output = write(run, server, tar_bytes, "--cacert", ca.cert).json()
    assert server.blob(REPOSITORY, output["digest"]) is not None


def test_docker_registry_with_htpasswd_needs_right_password(run, docker_registry, tmp_path,
                                                            tar_bytes):
    server = docker_registry(users={"ann": "pass"})
    path = tmp_path / "layer.tar"
    path.write_bytes(tar_bytes)
    target = f"{server.host}/{REPOSITORY}"
    anonymous = run("layer", target, path)
    assert anonymous.rc == 4 and anonymous.stderr.count("layerpipe login") == 1
    wrong = run("layer", "--username", "ann", "--password-stdin", target, path, input=b"no\n")
    assert wrong.rc == 4
    right = run("layer", "--username", "ann", "--password-stdin", target, path, input=b"pass\n")
    assert right.rc == 0, right
    assert len(server.blobs(REPOSITORY)) == 1


def test_docker_registry_token_server_needs_trust(run, docker_registry, tmp_path, tar_bytes):
    server = docker_registry(users={"ann": "pass"}, token=300)
    path = tmp_path / "layer.tar"
    path.write_bytes(tar_bytes)
    target = f"{server.host}/{REPOSITORY}"
    assert run("layer", target, path).rc == 4
    login = ["--username", "ann", "--password-stdin"]
    refused = run("layer", *login, target, path, input=b"pass\n")
    # The token server has another origin than the registry.
    assert refused.rc == 4
    assert "--trust-realm" in refused.stderr and "layerpipe login" not in refused.stderr
    realm = server.token_server.realm.split("/")[2]
    right = run("layer", *login, "--trust-realm", realm, target, path, input=b"pass\n")
    assert right.rc == 0, right
    assert len(server.blobs(REPOSITORY)) == 1
    scopes = [path for path, _ in server.token_server.requests]
    assert any("push" in scope for scope in scopes)


