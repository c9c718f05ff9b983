# SPDX-License-Identifier: Apache-2.0
"""tools/check_layers accepts the source tree, and reports each kind of fault that a test adds to a
copy of the tree."""
import shutil
import subprocess

import pytest
from compile_support import ROOT

HEADER = '/* SPDX-License-Identifier: Apache-2.0 */\n#include "{}"\n'


def check(tree, *arguments):
    return subprocess.run([tree / "tools" / "check_layers", *arguments], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def add(tree, path, text):
    (tree / path).write_text(text)


def assert_reported(result, *names):
    """The check failed with one problem, which has these names. The last line is the summary."""
    assert result.returncode == 1, result.stdout
    problem, _ = result.stdout.splitlines()
    for name in names:
        assert name in problem, result.stdout


@pytest.fixture
def tree(tmp_path):
    """A copy of the tracked source files."""
    copy = tmp_path / "tree"
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z", "src", "cli", "include",
                             "examples", "tools/check_layers"], check=False, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git working tree")
    for name in filter(None, listed.stdout.split("\0")):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"{ROOT}/{name}", copy / name)
    return copy


def test_source_tree_passes(tree):
    result = check(tree)
    assert result.returncode == 0, result.stdout


def test_include_cycle_of_two_headers_is_reported(tree):
    add(tree, "src/base/first.h", HEADER.format("base/second.h"))
    add(tree, "src/base/second.h", HEADER.format("base/first.h"))
    assert_reported(check(tree), "src/base/first.h -> src/base/second.h -> src/base/first.h")


def test_include_against_the_order_of_folders_is_reported(tree):
    add(tree, "src/base/planted.h", HEADER.format("image/image.h"))
    assert_reported(check(tree), "src/base/planted.h:2", "image/image.h")


def test_wrong_order_of_the_list_is_reported(tree):
    script = tree / "tools" / "check_layers"
    text = script.read_text().replace('    "base": [],\n', '    "base": ["codec/"],\n')
    script.write_text(text)
    assert_reported(check(tree), "ALLOWED: base comes before codec/")


def test_folder_that_is_not_in_the_list_is_reported(tree):
    (tree / "src" / "planted").mkdir()
    add(tree, "src/planted/planted.h", HEADER.format("base/mem.h"))
    assert_reported(check(tree), "src/planted is not in ALLOWED")


def test_command_that_includes_the_library_is_reported(tree):
    add(tree, "cli/planted.h", HEADER.format("base/mem.h"))
    assert_reported(check(tree), "cli/planted.h:2", "base/mem.h")


def test_folder_with_more_than_a_fifth_of_the_lines_is_reported(tree):
    add(tree, "src/tar/planted.c", "\n" * 30000)
    assert_reported(check(tree), "src/tar has", "more than a fifth")


def test_name_that_says_nothing_is_reported(tree):
    add(tree, "src/base/util.c", "")
    assert_reported(check(tree), "src/base/util.c: the name says nothing")


def test_third_party_header_outside_its_files_is_reported(tree):
    add(tree, "src/base/planted.h", "#include <curl/curl.h>\n")
    assert_reported(check(tree), "src/base/planted.h:1", "curl/curl.h")


def test_two_files_with_the_same_name_are_reported(tree):
    for folder in ("base", "oci"):
        add(tree, f"src/{folder}/planted.h", "")
    assert_reported(check(tree), "src/base/planted.h", "src/oci/planted.h")


@pytest.fixture
def build(tmp_path):
    """build(sources): compiles {file name: C text} into a directory that looks like a build
    directory of Meson; returns its path."""
    def compile_all(sources):
        directory = tmp_path / "build"
        for folder, files in (("src/x.a.p", sources), ("layerpipe.p", {"main.c": "int unused;"})):
            (directory / folder).mkdir(parents=True)
            for name, text in files.items():
                target = directory / folder / f"{name}.o"
                subprocess.run(["gcc", "-x", "c", "-c", "-o", target, "-"], input=text, text=True,
                               check=True)
        return directory
    return compile_all


CALLS_SECOND = "int second(void); int first(void) { return second(); }"
CALLS_FIRST = "int first(void); int second(void) { return first(); }"
CALLS_NOTHING = "int second(void) { return 2; }"


def test_calls_in_one_direction_pass(tree, build):
    result = check(tree, build({"base_one.c": CALLS_SECOND, "base_two.c": CALLS_NOTHING}))
    assert result.returncode == 0, result.stdout


def test_call_cycle_of_two_files_is_reported(tree, build):
    result = check(tree, build({"base_one.c": CALLS_SECOND, "base_two.c": CALLS_FIRST}))
    assert_reported(result, "base/one.c -> base/two.c -> base/one.c")


def test_call_against_the_order_of_folders_is_reported(tree, build):
    result = check(tree, build({"base_one.c": CALLS_SECOND, "image_two.c": CALLS_NOTHING}))
    assert_reported(result, "base/one.c calls image/two.c, and image comes after base")


def test_build_directory_without_objects_is_reported(tree, tmp_path):
    assert check(tree, tmp_path).returncode == 1


@pytest.mark.parametrize("line", [
    "    return isspace((unsigned char)*text);",
    "    return strncasecmp(a, b, 3) == 0;",
    "    count = scandir(path, &entries, NULL, alphasort);",
    '    (void)snprintf(buf, size, "%.1f MB", value);',
])
def test_call_that_depends_on_the_locale_is_reported(tree, line):
    add(tree, "src/base/planted.c", f"/* SPDX-License-Identifier: Apache-2.0 */\n{line}\n")
    assert_reported(check(tree), "src/base/planted.c:2", "depends on the locale")
