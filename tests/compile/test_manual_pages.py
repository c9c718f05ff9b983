# SPDX-License-Identifier: Apache-2.0
"""The pages of section 3: one for each public header, with all that the header declares."""
import glob
import os
import re
import subprocess

import pytest
from compile_support import ROOT

with open(os.path.join(ROOT, "src", "api", "liblayerpipe.map"), encoding="utf-8") as file:
    EXPORTED = re.findall(r"\b(lpipe_\w+);", file.read())
HEADERS = glob.glob(os.path.join(ROOT, "include", "layerpipe", "*.h*"))


def name_of(header):
    return os.path.basename(header).split(".")[0]


@pytest.fixture(name="pages", scope="module")
def made_pages():
    return {name_of(header): subprocess.run(
        [os.path.join(ROOT, "man", "header_page"), header, "1.2.3"], check=True,
        stdout=subprocess.PIPE).stdout.decode() for header in HEADERS}


def test_every_exported_function_has_one_page_that_describes_it(pages):
    described = [name for page in pages.values()
                 for name in re.findall(r"^[.]SS (lpipe_\w+)\(\)\n.", page, re.M)]
    assert len(EXPORTED) > 50
    assert sorted(described) == sorted(EXPORTED)


@pytest.mark.parametrize("header", HEADERS, ids=name_of)
def test_a_page_has_every_name_of_its_header(pages, header):
    page = re.sub(r"\\f[BR]", "", pages[name_of(header)])
    with open(header, encoding="utf-8") as opened:
        source = opened.read()
    # Without comments, and without the values of initialisers.
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    source = re.sub(r"(_INIT) *(\\\n[^\\\n]*)+", r"\1", source)
    names = set(re.findall(r"\b(?:LPIPE|lpipe)_\w+", source))
    assert names - set(re.findall(r"\w+", page)) <= {"LPIPE_API", "LPIPE_CHECK"}
    assert not re.search(r"/\*|\*/|@param|@return|LPIPE_API|LPIPE_CHECK|@[A-Z]+@", page)


def test_the_page_of_the_library_names_all_others():
    with open(os.path.join(ROOT, "man", "liblayerpipe.3.scd"), encoding="utf-8") as opened:
        named = re.findall(r"^[*]layerpipe-(\w+)[*]\(3\)$", opened.read(), re.M)
    assert sorted(named) == sorted(name_of(header) for header in HEADERS)


def test_a_function_is_found_under_its_name(installed):
    folder = os.path.join(installed.prefix, "share", "man", "man3")
    for name in EXPORTED:
        with open(os.path.join(folder, name + ".3"), encoding="utf-8") as page:
            assert f".SS {name}()" in page.read()


def test_a_type_is_found_under_its_name(installed):
    """Of the types that have members, and of the handles."""
    folder = os.path.join(installed.prefix, "share", "man", "man3")
    names = []
    for header in HEADERS:
        with open(header, encoding="utf-8") as opened:
            source = opened.read()
        names += re.findall(r"^(?:struct|enum) (lpipe_\w+) {|^typedef struct lpipe_\w+ (lpipe_\w+);", source, re.M)
    assert len(names) > 30
    for name in ("".join(pair) for pair in names):
        with open(os.path.join(folder, name + ".3"), encoding="utf-8") as page:
            assert re.search(f"^[.]SS (struct |enum )?{name}$", page.read(), re.M), name
