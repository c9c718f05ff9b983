# SPDX-License-Identifier: Apache-2.0
"""Checks what docs/digests.md says: which codecs give the same bytes on other processors. Runs the
command in an emulator of processor models; skipped without one."""
import json
import platform
import random
import shutil
import subprocess

import pytest
from cli_support import is_sanitized, make_tar
from servers import missing

EMULATOR = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
PORTABLE = ["none", "gzip:0", "gzip:-2", "gzip:-1", "gzip:3", "gzip:6", "gzip:9", "gzip:12",
            "zstd:1", "zstd:3", "zstd:7", "estargz:6", "zstd-chunked:3", "zstd-chunked:7"]
WITH_SSE42 = ["Nehalem", "Haswell"]
MODELS = ["qemu64"] + WITH_SSE42

pytestmark = [
    pytest.mark.skipif(EMULATOR is None, reason=missing("qemu-user")),
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the models are of x86-64"),
    pytest.mark.skipif(is_sanitized(), reason="sanitizers do not run in the emulator"),
]


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """A tar with files of random words: it compresses a little, and is longer than a few blocks."""
    source = random.Random(7)
    words = [bytes(source.randrange(256) for _ in range(source.randrange(2, 12)))
             for _ in range(500)]
    path = tmp_path_factory.mktemp("stream") / "stream"
    path.write_bytes(make_tar({"short": b"".join(source.choice(words) for _ in range(3000)),
                               "long": b"".join(source.choice(words) for _ in range(150000))}))
    return path


def digest(command, stream, compress, model=None):
    argv = [command.path, "layer", "--json", "-q", "--threads", "2", "--compress", compress,
            "null:", str(stream)]
    if model is not None:
        argv = [EMULATOR, "-cpu", model, *argv]
    result = subprocess.run(argv, env=command.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 0, result.stderr.decode()
    return json.loads(result.stdout)["digest"]


@pytest.mark.parametrize("compress", PORTABLE)
def test_portable_codec_gives_same_bytes_on_every_model(command, stream, compress):
    here = digest(command, stream, compress)
    for model in MODELS:
        assert digest(command, stream, compress, model) == here, model


@pytest.mark.parametrize("compress", ["gzip:1", "gzip:2"])
def test_isal_levels_give_same_bytes_on_models_with_sse42(command, stream, compress):
    one, *others = [digest(command, stream, compress, model) for model in WITH_SSE42]
    assert others == [one] * len(others)
