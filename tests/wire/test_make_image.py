# SPDX-License-Identifier: Apache-2.0
"""tools/make_image makes an image of the command with the command. Here it packs the command of this build;
`make image` packs the static one."""
import io
import json
import os
import subprocess
import ssl
import tarfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AUTHORITIES = "/usr/share/ca-certificates/mozilla"

pytestmark = pytest.mark.skipif(not os.path.isdir(AUTHORITIES), reason="ca-certificates is not installed")


def make_image(destination, command=os.environ["LAYERPIPE"]):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    return subprocess.run([os.path.join(ROOT, "tools", "make_image"), command, destination], check=True,
                          env=environment, stdout=subprocess.PIPE).stdout.decode().strip()


def authorities_of(bundle):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle)
    return set(context.get_ca_certs(binary_form=True))


def package_authorities():
    """What this machine alone trusts is not among them."""
    found = set()
    for name in os.listdir(AUTHORITIES):
        with open(os.path.join(AUTHORITIES, name), encoding="ascii") as file:
            found.add(ssl.PEM_cert_to_DER_cert(file.read()))
    return found


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
        bundle = tar.extractfile(entries["etc/ssl/certs/ca-certificates.crt"]).read().decode()
    assert authorities_of(bundle) == package_authorities()


def test_image_of_a_command_that_this_machine_cannot_run(tmp_path):
    """The header of an ELF file for arm64."""
    command = tmp_path / "layerpipe"
    command.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00" + bytes(100))
    make_image(f"oci:{tmp_path}/layout:1", command)
    shown = subprocess.run([os.environ["LAYERPIPE"], "inspect", "--json", f"oci:{tmp_path}/layout:1"], check=True,
                           stdout=subprocess.PIPE).stdout
    assert json.loads(shown)["config"]["architecture"] == "arm64"
