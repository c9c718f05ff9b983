# SPDX-License-Identifier: Apache-2.0
"""Images in layouts: many writers at the same time, and killed writers."""
import concurrent.futures
import json
import os
import shutil
import subprocess
import threading
import time

import layout_fsck
import pytest
from cli_support import make_tar
from image_support import sources
from inputs import random_bytes, sha256


def test_layout_is_valid_after_push(run, tmp_path, tar_bytes, tar_file):
    layout = tmp_path / "layout"
    output = run("push", "--json", "--tag", "b", "--env", "A=b", f"oci:{layout}:a", tar_file, "-",
                 input=make_tar({"x": b"y"})).json()
    assert layout_fsck.check(str(layout)) == []
    assert layout_fsck.tags(str(layout)) == {"a": output["digest"], "b": output["digest"]}
    assert output["layers"][0]["diffId"] == sha256(tar_bytes)
    index = (layout / "index.json").read_bytes()
    again = run("push", "--json", "--base", f"oci:{layout}:a", f"oci:{layout}:c").json()
    assert sources(again) == ["existing", "existing"]
    assert layout_fsck.check(str(layout)) == []
    assert json.loads(index)["manifests"] == \
        json.loads((layout / "index.json").read_bytes())["manifests"][:2]


def test_push_without_tag_adds_one_index_entry(run, tmp_path, tar_file):
    """Two pushes of the same image without a tag give one entry."""
    layout = tmp_path / "layout"
    digests = {run("push", "--json", "--created", "1", f"oci:{layout}", tar_file).json()["digest"]
               for _ in range(2)}
    assert len(digests) == 1
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    assert [entry["digest"] for entry in entries] == list(digests)
    shown = run("inspect", "--json", f"oci:{layout}").json()
    assert {shown["digest"]} == digests


def test_many_writers_keep_all_tags(run, tmp_path):
    """32 processes write at the same time, each with other tags; all use the same base."""
    layout = tmp_path / "layout"
    base = tmp_path / "base"
    assert run("push", f"oci:{base}:base", "-", input=make_tar({"base": b"b"})).rc == 0

    def write(number):
        tags = [f"w{number}-{tag}" for tag in range(4)]
        options = [part for tag in tags[1:] for part in ("--tag", tag)]
        result = run("push", "--json", "--base", f"oci:{base}:base", *options,
                     f"oci:{layout}:{tags[0]}", "-",
                     input=make_tar({f"file{number}": random_bytes(20000, number)}))
        return tags, result.json()["digest"]

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        written = dict((tag, digest) for tags, digest in pool.map(write, range(32))
                       for tag in tags)
    assert layout_fsck.tags(str(layout)) == written
    assert layout_fsck.check(str(layout)) == []
    assert layout_fsck.temps(str(layout)) == []


@pytest.mark.slow
def test_many_writers_with_many_tags_keep_all(run, tmp_path):
    """32 writers with a hundred tags each."""
    layout = tmp_path / "layout"

    def write(number):
        tags = [f"w{number}-{tag}" for tag in range(100)]
        options = [part for tag in tags[1:] for part in ("--tag", tag)]
        result = run("push", "--json", *options, f"oci:{layout}:{tags[0]}", "-",
                     input=make_tar({f"file{number}": b"x"}))
        assert result.rc == 0, result
        return tags

    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        written = {tag for tags in pool.map(write, range(32)) for tag in tags}
    assert set(layout_fsck.tags(str(layout))) == written
    assert layout_fsck.check(str(layout)) == []


def test_killed_push_keeps_layout_valid(command, run, tmp_path):
    """SIGKILL at twenty moments of a push: the old tag stays, and the next push succeeds."""
    layout = tmp_path / "layout"
    old = run("push", "--json", f"oci:{layout}:old", "-", input=make_tar({"old": b"o"})).json()
    tar = make_tar({"new": random_bytes(3000000)})
    for number in range(20):
        with command.start("push", "-q", f"oci:{layout}:new", "-", stdin=subprocess.PIPE,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            def write(process=process):
                try:
                    process.stdin.write(tar)
                    process.stdin.close()
                except BrokenPipeError:
                    pass
            thread = threading.Thread(target=write)
            thread.start()
            time.sleep(number * 0.004)
            process.kill()
            thread.join()
        assert layout_fsck.check(str(layout), manifests=False) == []
        assert layout_fsck.tags(str(layout))["old"] == old["digest"]
    assert run("push", f"oci:{layout}:new", "-", input=tar).rc == 0
    assert layout_fsck.check(str(layout)) == []
    assert set(layout_fsck.tags(str(layout))) == {"old", "new"}


def test_truncated_stream_leaves_no_blob(run, tmp_path, tar_bytes):
    layout = tmp_path / "layout"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    thread = threading.Thread(target=lambda: fifo.write_bytes(tar_bytes[:700]))
    thread.start()
    result = run("push", f"oci:{layout}:x", fifo)
    thread.join()
    assert result.rc == 3, result
    assert layout_fsck.tags(str(layout)) == {}
    blobs = layout / "blobs" / "sha256"
    assert not blobs.exists() or os.listdir(blobs) == []
    assert layout_fsck.temps(str(layout)) == []


def test_progress_of_null_store_does_not_say_stored(run, tar_bytes):
    result = run("push", "--progress", "plain", "null:", "-", input=tar_bytes)
    assert result.rc == 0
    assert "stored" not in result.stderr and "tag" not in result.stderr


# What other tools write, and what is typed.

def retag(layout, tag):
    """As skopeo and podman do it: any text."""
    path = layout / "index.json"
    index = json.loads(path.read_text())
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": tag}
    path.write_text(json.dumps(index))


@pytest.mark.parametrize("tag", ["docker.io/library/x:1", "localhost:5000/x:1", "foo/bar:1.0", "v1+b",
                                 "feature/x"])
def test_whole_reference_as_a_tag(run, tmp_path, tag):
    layout = tmp_path / "layout"
    pushed = run("push", "--json", f"oci:{layout}:one", "-", input=make_tar({"x": b"y"})).json()
    retag(layout, tag)
    listed = run("inspect", f"oci:{layout}:nope")
    assert listed.rc == 5 and listed.stderr.rstrip().endswith("it has " + tag)
    assert run("inspect", "--json", f"oci:{layout}:{tag}").json()["digest"] == pushed["digest"]
    again = run("push", "--json", "--base", f"oci:{layout}:{tag}", "--tag", "other",
                f"oci:{layout}:{tag}").json()
    assert again["tags"] == [tag, "other"] and sources(again) == ["existing"]
    assert layout_fsck.tags(str(layout)) == {tag: again["digest"], "other": again["digest"]}
    assert set(os.listdir(tmp_path)) - {"home"} == {"layout"}


def test_images_without_a_tag_are_listed(run, tmp_path):
    layout = tmp_path / "l"
    digests = [run("push", "--json", f"oci:{layout}", "-", input=make_tar({name: b"y"})).json()["digest"]
               for name in ("a", "b")]
    listed = run("inspect", f"oci:{layout}")
    assert listed.rc == 5
    for digest in digests:
        assert f"@{digest}" in listed.stderr
        assert run("inspect", "--json", f"oci:{layout}@{digest}").json()["digest"] == digest


@pytest.mark.parametrize("name", ["l:../../x", "l:a/../../b", "l:sha256:../../x", "l@sha256:../../x", "l:a//b"])
def test_tag_that_is_a_path(run, tmp_path, name):
    """A tag that comes from outside, such as a CI variable, never names another directory."""
    (tmp_path / "in").mkdir()
    result = run("push", f"oci:{name}", "-", input=make_tar({"x": b"y"}), cwd=tmp_path / "in")
    assert result.rc == 2, result
    assert set(os.listdir(tmp_path)) - {"home"} == {"in"} and os.listdir(tmp_path / "in") == []


def test_colon_in_a_directory(run, tmp_path):
    """It ends the directory's name, unless that ends with '/'. A directory that is there is not taken
    for a tag."""
    tar = make_tar({"x": b"y"})
    (tmp_path / "b:1").mkdir()
    result = run("push", f"oci:{tmp_path}/b:1/layout:x", "-", input=tar)
    assert result.rc == 2 and f"oci:{tmp_path}/b:1/DIR/:TAG" in result.stderr
    assert set(os.listdir(tmp_path)) - {"home"} == {"b:1"} and os.listdir(tmp_path / "b:1") == []
    assert run("push", f"oci:{tmp_path}/b:1/layout/:x", "-", input=tar).rc == 0
    assert layout_fsck.check(str(tmp_path / "b:1" / "layout")) == []
    assert run("inspect", f"oci:{tmp_path}/b:1/layout/:x").rc == 0


def test_layout_of_links_as_a_base(run, tmp_path):
    """Bazel and Nix make layouts whose files are links."""
    layout, store, links = tmp_path / "layout", tmp_path / "store", tmp_path / "links"
    pushed = run("push", "--json", f"oci:{layout}:x", "-", input=make_tar({"x": b"y"})).json()
    layout.rename(store)
    for folder, _, names in os.walk(store):
        there = links / os.path.relpath(folder, store)
        there.mkdir()
        for name in names:
            (there / name).symlink_to(os.path.join(folder, name))
    assert run("inspect", "--json", f"oci:{links}:x").json()["digest"] == pushed["digest"]
    copied = run("push", "--json", "--base", f"oci:{links}:x", f"oci:{layout}:y").json()
    assert sources(copied) == ["copied"]
    before = sorted(os.listdir(store / "blobs" / "sha256"))
    result = run("push", f"oci:{links}:x", "-", input=make_tar({"new": b"z"}))
    assert result.rc == 8 and "cp -rL" in result.stderr
    assert sorted(os.listdir(store / "blobs" / "sha256")) == before


def test_base_that_cannot_be_read(run, tmp_path):
    """It is an input."""
    layout = tmp_path / "layout"
    pushed = run("push", "--json", f"oci:{layout}:x", "-", input=make_tar({"x": b"y"})).json()
    blob = layout / "blobs" / "sha256" / pushed["layers"][0]["digest"][7:]
    blob.unlink()
    blob.mkdir()
    result = run("push", "--base", f"oci:{layout}:x", f"oci:{tmp_path}/other:x")
    assert result.rc == 3 and f"{blob} is not a regular file" in result.stderr
    for text in ("{", "", "[]", '{"manifests":[{"digest":5,"annotations":7}]}'):
        (layout / "index.json").write_text(text)
        result = run("inspect", f"oci:{layout}:x")
        assert result.rc == 3 and result.stderr.endswith("; check the program that made it\n"), result
        result = run("push", f"oci:{layout}:x", "-", input=make_tar({"x": b"z"}))
        assert result.rc == 8 and result.stderr.endswith("; check the program that made it\n"), result


def test_blob_of_the_right_size_and_wrong_bytes(run, tmp_path, tar_bytes):
    """As a power failure leaves it. It is not taken for the blob: neither of a stream nor of a base."""
    layout, base = tmp_path / "layout", tmp_path / "base"
    pushed = run("push", "--json", f"oci:{base}:x", "-", input=tar_bytes).json()
    digests = [pushed["layers"][0]["digest"], pushed["config"]["digest"], pushed["digest"]]
    for arguments, given in ((["-"], {"input": tar_bytes}), (["--base", f"oci:{base}:x"], {})):
        shutil.copytree(base, layout)
        for digest in digests:
            blob = layout / "blobs" / "sha256" / digest[7:]
            blob.write_bytes(b"\0" * blob.stat().st_size)
        assert run("push", "--created", "1", f"oci:{layout}:x", *arguments, **given).rc == 0
        digest = digests[0]
        assert sha256((layout / "blobs" / "sha256" / digest[7:]).read_bytes()) == digest
        shutil.rmtree(layout)


def test_new_layout_of_umoci(run, tmp_path):
    """Its list of images is null."""
    layout = tmp_path / "layout"
    (layout / "blobs" / "sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text('{"schemaVersion":2,"manifests":null}')
    assert run("inspect", f"oci:{layout}").rc == 5
    assert run("push", f"oci:{layout}:x", "-", input=make_tar({"x": b"y"})).rc == 0
    assert layout_fsck.check(str(layout)) == []


@pytest.mark.skipif(not shutil.which("umoci"), reason="umoci is not installed")
def test_umoci_init(run, tmp_path):
    layout = tmp_path / "layout"
    subprocess.run(["umoci", "init", "--layout", layout], check=True)
    assert run("push", f"oci:{layout}:x", "-", input=make_tar({"x": b"y"})).rc == 0
    assert layout_fsck.check(str(layout)) == []


@pytest.mark.skipif(not shutil.which("skopeo"), reason="skopeo is not installed")
def test_tag_of_skopeo(run, tmp_path):
    """It splits oci:DIR:TAG in the same way."""
    layout, other = tmp_path / "layout", tmp_path / "other"
    pushed = run("push", "--json", f"oci:{layout}:docker.io/library/x:1", "-", input=make_tar({"x": b"y"})).json()
    subprocess.run(["skopeo", "--insecure-policy", "copy", "-q", f"oci:{layout}:docker.io/library/x:1",
                    f"oci:{other}:localhost:5000/y:2"], check=True)
    shown = run("inspect", "--json", f"oci:{other}:localhost:5000/y:2").json()
    assert shown["digest"] == pushed["digest"]
