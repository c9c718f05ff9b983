# SPDX-License-Identifier: Apache-2.0
"""Layers of odd tar archives: a table that layerpipe makes is one that the programs which pull the layer
take, and it shows the files of the tar."""
import json
import os

import pytest

from odd_tars import TARS
from tar_judges import build
from tar_random import END
from test_toc_judges import TAGS, ask
from toc_support import SociImage, digest_of, layer_of

@pytest.mark.slow
@pytest.mark.parametrize("kind", ["estargz", "zstd-chunked"])
def test_tables_are_accepted(run, tmp_path, kind):
    judge = build("tocjudge", TAGS)
    if kind == "zstd-chunked" and os.getuid() != 0:
        pytest.skip("podman's storage needs root here")
    tables = 0
    for number, (name, entries) in enumerate(TARS.items()):
        directory = tmp_path / str(number)
        directory.mkdir()
        tar = entries + END
        layer, blob, result = layer_of(run, directory, tar, kind)
        if "annotations" not in layer:
            assert "gets no table of contents" in result.stderr, (name, result)
            continue
        tables += 1
        if kind == "estargz":
            toc = layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"]
            answer = ask(judge, kind, blob, toc)
            assert answer.startswith("ok ") and answer.split()[2] == digest_of(tar), (name, answer)
        else:
            answer = ask(judge, kind, blob, json.dumps(layer["annotations"]), directory / "store")
            assert answer == f"ok {len(tar)} {digest_of(tar)}", (name, answer)
    assert tables > len(TARS) // 2


@pytest.mark.slow
def test_ztocs_are_accepted(run, tmp_path):
    judge = build("ztocjudge", cgo=True)
    tables = 0
    for number, (name, entries) in enumerate(TARS.items()):
        layout = tmp_path / str(number)
        result = run("push", "--json", "--soci", "--soci-min-size", "1", "--allow-odd-entries",
                     f"oci:{layout}:1", "-", input=entries + END)
        assert result.rc == 0, (name, result)
        if "soci" not in result.json():
            assert "gets no zTOC" in result.stderr, (name, result)
            continue
        tables += 1
        image = SociImage(layout, result.json())
        answer = ask(judge, image.blob, image.tables[0])
        assert answer.startswith("ok "), (name, answer)
    assert tables > len(TARS) // 2
