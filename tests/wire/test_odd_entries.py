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
