# SPDX-License-Identifier: Apache-2.0
"""What `make docs` makes: every link of every page leads to something."""
import os
import re
import shutil
import subprocess
from urllib.parse import unquote

import pytest
from compile_support import BUILD, ROOT
from servers import missing


@pytest.fixture(name="site", scope="module")
def made_site(tmp_path_factory):
    for program in ("scdoc", "mandoc", "cmark-gfm"):
        if shutil.which(program) is None:
            pytest.skip(missing(program))
    directory = tmp_path_factory.mktemp("docs")
    subprocess.run([os.path.join(ROOT, "tools", "make_docs"), BUILD, directory], check=True,
                   stdout=subprocess.DEVNULL)
    return {os.path.relpath(os.path.join(path, name), directory):
            (directory / path / name).read_text(encoding="utf-8")
            for path, _, names in os.walk(directory) for name in names}


def test_every_link_leads_to_a_page_and_a_place_in_it(site):
    broken = []
    for name, text in site.items():
        for link in re.findall(r'(?:href|src)="([^"]*)"', text):
            if re.match(r"https?:|mailto:", link) or not name.endswith(".html"):
                continue
            path, _, place = unquote(link).partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            if path not in site or (place and f'id="{place}"' not in site[path]):
                broken.append((name, link))
    assert not broken


def test_all_pages_are_listed(site):
    linked = set(re.findall(r'href="([^"]+)"', site["index.html"]))
    assert {name for name in site if name.endswith(".html")} - {"index.html"} <= linked
    pages = {name for name in os.listdir(os.path.join(BUILD, "man")) if name.endswith((".1", ".3", ".7"))}
    assert len(pages) > 20
    assert {f"man/{name}.html" for name in pages} <= linked


def test_pages_name_each_other(site):
    push = site["man/layerpipe-push.1.html"]
    assert '<a href="layerpipe-layer.1.html"><b>layerpipe-layer</b>(1)</a>' in push
    image = site["man/layerpipe-image.3.html"]
    assert '<a href="layerpipe-push.3.html#lpipe_image_push()"><b>lpipe_image_push</b>()</a>' in image
