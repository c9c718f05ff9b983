# SPDX-License-Identifier: Apache-2.0
"""Configs that are valid JSON but unusual: who only copies or reads an image keeps their bytes, who
builds on it gets an image or a clear error. JSON that is not valid gets a clear error."""
import hashlib
import io
import json
import os
import tarfile

import pytest
from cli_support import make_tar
from image_support import MANIFEST_TYPES, CONFIG_TYPES, LAYER_TYPES, descriptor, encode

LAYER = make_tar({"a": b"x"})
DIFF_ID = "sha256:" + hashlib.sha256(LAYER).hexdigest()
REST = ('"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}'
        % DIFF_ID).encode()

# The bytes before the rest of the config, and what push --base says; None: it builds on it.
KEPT = {
    "NUL in a text": (rb'{"author":"a\u0000b","created":"\u0000",', None),
    "escapes": (rb'{"\u0061uthor":"\ud83d\ude00\/\u003c",', None),
    "numbers": (b'{"x":123456789012345678901234567890,"y":1e999,"z":-0,', None),
    "deep": (b'{"x":' + 60 * b"[" + 60 * b"]" + b",", None),
    "blanks": (b' \n{"author" : "a" ,\t', None),
    "number as author": (b'{"author":5,', "author: must be a string"),
    "two spellings": (b'{"author":"a","Author":"b",', 'author: written "Author"'),
    "object as Env": (b'{"config":{"Env":{"a":"b"},"Cmd":"x"},', "config.Env: must be an array"),
    "text as history": (b'{"history":"none",', "history: must be an array"),
}
REFUSED = {
    "key twice": (b'{"author":"a","author":"b",', "duplicate object key"),
    "NUL in a key": (rb'{"a\u0000b":1,', "NUL byte in object key"),
    "too deep": (b'{"x":' + 5000 * b"[" + 5000 * b"]" + b",", "nested deeper than 64 levels"),
    "byte order mark": (b'\xef\xbb\xbf{"author":"a",', "not valid JSON"),
    "Latin-1": (b'{"author":"\xe9",', "unable to decode byte 0xe9"),
    "half a surrogate": (rb'{"author":"\ud83d",', "invalid Unicode"),
}


def write_layout(directory, config):
    blobs = directory / "blobs" / "sha256"
    os.makedirs(blobs)
    manifest = encode({"schemaVersion": 2, "mediaType": MANIFEST_TYPES["oci"],
                       "config": descriptor(CONFIG_TYPES["oci"], config),
                       "layers": [descriptor(LAYER_TYPES["oci"], LAYER)]})
    for data in (config, LAYER, manifest):
        (blobs / hashlib.sha256(data).hexdigest()).write_bytes(data)
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    entry = descriptor(MANIFEST_TYPES["oci"], manifest,
                       annotations={"org.opencontainers.image.ref.name": "1"})
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return f"oci:{directory}:1"


def write_archive(path, config):
    """As docker save has written them."""
    name = hashlib.sha256(config).hexdigest() + ".json"
    members = {name: config, "l/layer.tar": LAYER,
               "manifest.json": encode([{"Config": name, "RepoTags": ["a/b:1"],
                                         "Layers": ["l/layer.tar"]}])}
    with tarfile.open(path, "w") as archive:
        for member, data in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return f"docker-archive:{path}"


def has_blob(layout, data):
    path = layout / "blobs" / "sha256" / hashlib.sha256(data).hexdigest()
    return path.exists() and path.read_bytes() == data


@pytest.mark.parametrize("name", KEPT)
def test_config_is_kept(name, run, tmp_path):
    config = KEPT[name][0] + REST
    layout = write_layout(tmp_path / "in", config)
    archive = write_archive(tmp_path / "docker.tar", config)
    copies = {"whole": [layout], "platform": ["--platform", "linux/amd64", layout],
              "docker": [archive], "docker, as it is": ["--compress", "none", archive]}
    for copy, arguments in copies.items():
        result = run("copy", "-q", *arguments, f"oci:{tmp_path / copy}:1")
        assert result.rc == 0, (copy, result)
        assert has_blob(tmp_path / copy, config), copy
    through = f"oci-archive:{tmp_path / 'oci.tar'}:1"
    assert run("copy", "-q", layout, through).rc == 0
    assert run("copy", "-q", through, f"oci:{tmp_path / 'again'}:1").rc == 0
    assert has_blob(tmp_path / "again", config)
    for command in (["cat"], ["inspect"], ["inspect", "--json"]):
        result = run(*command, layout)
        assert result.rc == 0, (command, result)
    assert run("index", "-q", f"oci:{tmp_path / 'index'}:1", layout).rc == 0


@pytest.mark.parametrize("name", KEPT)
def test_base_with_this_config(name, run, tmp_path):
    start, refusal = KEPT[name]
    layout = write_layout(tmp_path / "in", start + REST)
    result = run("push", "-q", "--base", layout, "--env", "A=1", f"oci:{tmp_path / 'out'}:1")
    assert result.rc == (0 if refusal is None else 7), result
    assert refusal is None or refusal in result.stderr, result
    assert refusal is None or not (tmp_path / "out" / "index.json").exists()


@pytest.mark.parametrize("name", REFUSED)
def test_config_that_is_not_json_is_refused(name, run, tmp_path):
    start, words = REFUSED[name]
    layout = write_layout(tmp_path / "in", start + REST)
    archive = write_archive(tmp_path / "docker.tar", start + REST)
    out = f"oci:{tmp_path / 'out'}:1"
    for arguments in (["cat", layout], ["inspect", layout], ["push", "--base", layout, out],
                      ["copy", "--platform", "linux/amd64", layout, out], ["copy", archive, out]):
        result = run(*arguments)
        assert result.rc == 7 and words in result.stderr, (arguments, result)
        assert "image config: " in result.stderr, (arguments, result)
    # A copy does not have to understand what it copies.
    assert run("copy", "-q", layout, f"oci:{tmp_path / 'copy'}:1").rc == 0
    assert has_blob(tmp_path / "copy", start + REST)
