# SPDX-License-Identifier: Apache-2.0
"""tools/make_image makes an image of the command with the command. Here it packs the command of this build;
`make image` packs the static one."""
import io
import json
import os
import subprocess
import tarfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"

pytestmark = pytest.mark.skipif(not os.path.exists(AUTHORITIES), reason="ca-certificates is not installed")


def make_image(destination):
    command = os.environ["LAYERPIPE"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    return subprocess.run([os.path.join(ROOT, "tools", "make_image"), command, destination], check=True,
                          env=environment, stdout=subprocess.PIPE).stdout.decode().strip()


def test_image_of_the_command_is_reproducible_and_has_what_it_needs(tmp_path):
    layout = tmp_path / "layout"
    first = make_image(f"oci:{layout}:1")
    assert make_image(f"oci:{layout}:2") == first
    shown = subprocess.run([os.environ["LAYERPIPE"], "inspect", "--json", f"oci:{layout}:1"], check=True,
                           stdout=subprocess.PIPE).stdout
    config = json.loads(shown)["config"]
    assert config["config"]["User"] == "65532:65532"
    assert config["config"]["Entrypoint"] == ["/usr/bin/layerpipe"]
    content = subprocess.run([os.environ["LAYERPIPE"], "cat", f"oci:{layout}:1"], check=True,
                             stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        entries = {entry.name.removeprefix("./"): entry for entry in tar}
        assert {(entry.uid, entry.gid) for entry in entries.values()} == {(0, 0)}
        assert entries["usr/bin/layerpipe"].mode == 0o755
        assert entries["tmp"].mode == 0o1777
        with open(AUTHORITIES, "rb") as file:
            assert tar.extractfile(entries["etc/ssl/certs/ca-certificates.crt"]).read() == file.read()
