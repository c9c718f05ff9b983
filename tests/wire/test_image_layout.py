# SPDX-License-Identifier: Apache-2.0
"""Images in layouts: many writers at the same time, and killed writers."""
import concurrent.futures
import json
import os
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
