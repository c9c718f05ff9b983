# SPDX-License-Identifier: Apache-2.0
"""Entries that container runtimes cannot unpack: push refuses an image with them, unless the user
allows it."""
import io
import json
import tarfile

import pytest


def odd_tar():
    """A tar with a valid entry, and then one of type S, which GNU tar uses for sparse files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("good"), io.BytesIO())
        odd = tarfile.TarInfo("dir/odd")
        odd.type = b"S"
        archive.addfile(odd, io.BytesIO())
    return out.getvalue()


def test_image_with_odd_entry_is_refused_with_reason_and_hint(registry, run):
    server = registry("d28")
    result = run("push", f"{server.host}/a:1", input=odd_tar())
    assert result.rc == 3 and result.stdout == "", result
    line = result.stderr.splitlines()[-1]
    for part in ("dir/odd", "at byte 512", "type is S", "--format=posix", "--allow-odd-entries"):
        assert part in line, line
    requests = [(request.method, request.path) for request in server.journal]
    assert not any("/manifests/" in path for method, path in requests if method == "PUT")
    assert not any("digest=" in path for method, path in requests if method == "PUT"), "committed"


@pytest.mark.parametrize("destination", ["registry", "layout"])
def test_image_with_odd_entry_is_pushed_with_option(destination, registry, run, tmp_path):
    target = f"{registry('d28').host}/a:1" if destination == "registry" else f"oci:{tmp_path}/l:1"
    result = run("push", "--allow-odd-entries", target, input=odd_tar())
    assert result.rc == 0, result
    assert "cannot unpack 1 of its entries" in result.stderr and "dir/odd" in result.stderr


def test_layer_and_artifact_with_odd_entry_give_a_notice(registry, run):
    server = registry("d28")
    layer = run("layer", "--json", f"{server.host}/a", input=odd_tar())
    assert layer.rc == 0 and "dir/odd" in layer.stderr, layer
    assert json.loads(layer.stdout)["diffId"]
    artifact = run("push", "--artifact-type", "application/x.test", f"{server.host}/a:1",
                   input=odd_tar())
    assert artifact.rc == 0 and "dir/odd" in artifact.stderr, artifact


def test_raw_input_is_not_checked_for_odd_entries(registry, run):
    server = registry("d28")
    result = run("push", "--raw", "--artifact-type", "application/x.test", f"{server.host}/a:1",
                 input=odd_tar())
    assert result.rc == 0 and "cannot unpack" not in result.stderr, result


def archive_of(*names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return out.getvalue()


@pytest.mark.parametrize("names", [("a/layer.tar", "manifest.json", "repositories"),
                                   ("blobs/sha256/x", "index.json", "oci-layout"),
                                   ("./oci-layout", "./manifest.json", "./blobs")])
def test_image_archive_is_no_layer_of_an_image(names, registry, run):
    """What `docker save` and `podman save` write, pushed by mistake."""
    server = registry("d28")
    result = run("push", f"{server.host}/a:1", input=archive_of(*names))
    assert result.rc == 3 and result.stdout == "", result
    line = result.stderr.splitlines()[-1]
    assert "image archive" in line and "layerpipe copy - IMAGE" in line
    assert run("push", "--allow-odd-entries", f"{server.host}/a:1", input=archive_of(*names)).rc == 0
    layer = run("layer", f"{server.host}/a", input=archive_of(*names))
    assert layer.rc == 0 and "image archive" in layer.stderr, layer


@pytest.mark.parametrize("names", [("manifest.json", "index.json"), ("repositories",),
                                   ("app/manifest.json", "app/repositories")])
def test_files_of_a_web_application_are_a_layer(names, registry, run):
    result = run("push", f"{registry('d28').host}/a:1", input=archive_of(*names))
    assert result.rc == 0 and "image archive" not in result.stderr, result
