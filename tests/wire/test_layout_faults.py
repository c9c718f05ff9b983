# SPDX-License-Identifier: Apache-2.0
"""Each system call of a layout write fails once, or the process is killed at this call. In every
case the layout stays valid and keeps its tags, and the next run succeeds and removes temporary
files."""
import os
import shutil
import subprocess
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
import layout_fsck  # noqa: E402
from cli_support import is_sanitized, environment_without_leak_check  # noqa: E402

COMMAND = os.environ.get("LAYERPIPE", os.path.join(ROOT, "build", "layerpipe"))
WRITER = os.environ.get("LAYOUT_WRITER",
                        os.path.join(os.path.dirname(COMMAND), "tests", "layout_writer"))
CALLS = ["mkdir", "mkdirat", "openat", "write", "fsync", "renameat", "flock", "unlinkat"]
ERRORS = {"mkdir": "ENOSPC", "mkdirat": "EROFS", "openat": "ENOSPC", "write": "ENOSPC",
          "fsync": "EIO", "renameat": "EIO", "flock": "ENOLCK", "newfstatat": "EIO"}
COUNT_MAX = 100


def can_trace():
    if not shutil.which("strace") or not os.path.exists(WRITER):
        return False
    return subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="needs strace and the layout writer")


def write(root, tag):
    return subprocess.run([WRITER, root, tag], capture_output=True, text=True, check=False)


def write_with(root, tag, injection, log):
    command = ["strace", "-qq", "-o", log, "-e", "inject=" + injection, WRITER, root, tag]
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          env=environment_without_leak_check(dict(os.environ)))


def injected(log):
    with open(log, encoding="utf-8") as file:
        return "INJECTED" in file.read()


def killed(log):
    with open(log, encoding="utf-8") as file:
        return "killed by SIGKILL" in file.read()


def assert_valid(root, before):
    """The layout is valid and keeps its tags. A directory without oci-layout is not a layout
    yet."""
    if before or os.path.exists(os.path.join(root, "oci-layout")):
        assert layout_fsck.check(root, manifests=False) == []
        after = layout_fsck.tags(root)
        assert {tag: after.get(tag) for tag in before} == before


def start(tmp_path, number, existing):
    root = str(tmp_path / ("parent%d" % number) / "layout")
    os.mkdir(os.path.dirname(root))
    if existing:
        assert write(root, "old").returncode == 0
    return root, layout_fsck.tags(root) if existing else {}


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_kill_at_any_call_keeps_layout_valid(tmp_path, call, existing):
    log = str(tmp_path / "log")
    hits = 0
    for number in range(1, COUNT_MAX):
        root, before = start(tmp_path, number, existing)
        write_with(root, "new", "%s:signal=KILL:when=%d" % (call, number), log)
        if not killed(log):
            break
        hits += 1
        assert_valid(root, before)
        again = write(root, "new")
        assert again.returncode == 0, again.stderr
        assert layout_fsck.check(root, manifests=False) == []
        assert set(layout_fsck.tags(root)) == set(before) | {"new"}
        assert layout_fsck.temps(root) == []
        shutil.rmtree(os.path.dirname(root))
    else:
        pytest.fail("no end of calls")
    assert hits > 0 or (existing and call == "mkdir")


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("call", sorted(ERRORS))
def test_failure_of_any_call_keeps_layout_valid(tmp_path, call, existing):
    log = str(tmp_path / "log")
    failures = 0
    for number in range(1, COUNT_MAX):
        root, before = start(tmp_path, number, existing)
        injection = "%s:error=%s:when=%d" % (call, ERRORS[call], number)
        run = write_with(root, "new", injection, log)
        if not injected(log):
            break
        assert_valid(root, before)
        if run.returncode == 127:
            assert "error while loading shared libraries" in run.stderr
        elif run.returncode == 0:
            # Calls that may fail: reading settings of libraries, removing temporary files of killed
            # runs, and what a sanitizer writes.
            assert call in ("openat", "newfstatat") or is_sanitized()
            assert "new" in layout_fsck.tags(root)
        else:
            failures += 1
            assert run.returncode == 8, run.stderr
            assert run.stderr.startswith("OUTPUT_IO: ") and " /" in run.stderr
        if os.path.isdir(root):
            assert layout_fsck.temps(root) == []
        assert write(root, "new").returncode == 0
        assert layout_fsck.check(root, manifests=False) == []
        shutil.rmtree(os.path.dirname(root))
    else:
        pytest.fail("no end of calls")
    assert failures > 0 or (existing and call == "mkdir")
