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


def layer_of(path, *entries):
    """A tar file; a directory has a name that ends in a slash, a link has a target."""
    with tarfile.open(path, "w") as archive:
        for name, target in entries:
            info = tarfile.TarInfo(name.rstrip("/"))
            info.type = tarfile.DIRTYPE if name.endswith("/") else \
                tarfile.SYMTYPE if target else tarfile.REGTYPE
            info.linkname = target or ""
            archive.addfile(info)
    return path


SYSTEM = [("./usr/", None), ("./usr/bin/", None), ("./bin", "usr/bin"), ("./var/", None),
          ("./var/run", "/run")]


@pytest.mark.parametrize("compress", ["gzip", "zstd-chunked", "none"])
def test_directory_over_a_link_is_reported(compress, run, tmp_path):
    system = layer_of(tmp_path / "system.tar", *SYSTEM)
    program = layer_of(tmp_path / "program.tar", ("bin/", None), ("bin/tool", None))
    empty = layer_of(tmp_path / "other.tar", ("usr/", None))
    result = run("push", "--compress", compress, "null:", system, empty, program)
    assert result.rc == 0, result
    (line,) = [line for line in result.stderr.splitlines() if "replaces" in line]
    assert line.startswith("layerpipe: layer 3: its directory bin replaces the symbolic link of "
                           "layer 1; "), line


@pytest.mark.parametrize("name, lower, upper", [
    ("the other order", [("bin/", None)], SYSTEM),
    ("a directory in both", [("bin/", None)], [("bin/", None)]),
    ("a file of the same name", SYSTEM, [("bin", None)]),
    ("deleted before", [*SYSTEM, (".wh.bin", None)], [(".wh.bin", None), ("bin/", None)]),
    ("the link's target", SYSTEM, [("usr/bin/", None)])])
def test_directories_that_hide_no_link(name, lower, upper, run, tmp_path):
    result = run("push", "null:", layer_of(tmp_path / "1.tar", *lower),
                 layer_of(tmp_path / "2.tar", *upper))
    assert result.rc == 0 and "replaces" not in result.stderr, (name, result)
