# SPDX-License-Identifier: Apache-2.0
"""What tools/make_release refuses: a release is a tagged commit that says its version everywhere."""
import os
import re
import shutil
import subprocess

import pytest
from compile_support import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def git(tree, *arguments):
    subprocess.run(["git", "-C", tree, "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],
                   check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def tree(tmp_path):
    """The files that the check reads, committed and tagged, ready for a release."""
    for name in ["meson.build", "CHANGELOG.md", "packaging/debian/changelog", "tools/make_release"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.join(ROOT, name), tmp_path / name)
    changes = (tmp_path / "CHANGELOG.md").read_text()
    ready = re.sub(r"^## ([0-9.]+), not released yet$", r"## \1, 2026-11-30", changes, flags=re.MULTILINE)
    (tmp_path / "CHANGELOG.md").write_text(ready)
    package = tmp_path / "packaging" / "debian" / "changelog"
    package.write_text(package.read_text().replace("UNRELEASED", "bookworm", 1))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "ready")
    git(tmp_path, "tag", "v" + version(tmp_path))
    return tmp_path


def version(tree):
    return re.search(r"^  version: '(.*)',", (tree / "meson.build").read_text(), re.MULTILINE).group(1)


def check(tree):
    return subprocess.run([tree / "tools" / "make_release", "--check"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def commit_and_tag(tree):
    git(tree, "commit", "-qam", "change")
    git(tree, "tag", "-f", "v" + version(tree))


def test_tagged_tree_is_ready(tree):
    assert check(tree).returncode == 0


def test_tree_without_tag_is_refused(tree):
    git(tree, "tag", "-d", "v" + version(tree))
    result = check(tree)
    assert result.returncode == 1 and b"the tag v" in result.stderr


def test_uncommitted_change_is_refused(tree):
    (tree / "CHANGELOG.md").write_text("changed")
    result = check(tree)
    assert result.returncode == 1 and b"not committed" in result.stderr


def test_changelog_without_date_is_refused(tree):
    text = (tree / "CHANGELOG.md").read_text()
    (tree / "CHANGELOG.md").write_text(text.replace(", 2026-11-30", ", not released yet"))
    commit_and_tag(tree)
    result = check(tree)
    assert result.returncode == 1 and b"CHANGELOG.md has no heading" in result.stderr


def test_package_of_another_version_is_refused(tree):
    name = tree / "packaging" / "debian" / "changelog"
    name.write_text(name.read_text().replace(version(tree), "9.9.9"))
    commit_and_tag(tree)
    result = check(tree)
    assert result.returncode == 1 and b"packaging/debian/changelog" in result.stderr


def test_package_without_a_suite_is_refused(tree):
    name = tree / "packaging" / "debian" / "changelog"
    name.write_text(name.read_text().replace("bookworm", "UNRELEASED", 1))
    commit_and_tag(tree)
    result = check(tree)
    assert result.returncode == 1 and b"UNRELEASED" in result.stderr
