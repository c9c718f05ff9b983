# SPDX-License-Identifier: Apache-2.0
"""A static command finds the certificate authorities of the system that it runs on. It runs in a root directory
that has nothing but itself and the authorities, so these tests need root and a static command:
LAYERPIPE=build-static/layerpipe."""
import os
import shutil
import subprocess

import pytest
from auth_support import CANARY
from registry import CA, Auth
from servers import ConnectProxy

NAME = "registry.example"
FILES = ["etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt",
         "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "etc/ssl/ca-bundle.pem", "etc/ssl/cert.pem"]
DIRECTORIES = ["etc/ssl/certs", "etc/pki/ca-trust/extracted/pem/directory-hash"]


def is_static(command):
    headers = subprocess.run(["readelf", "-lW", command], stdout=subprocess.PIPE, check=True).stdout
    return b"INTERP" not in headers


pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not is_static(os.environ["LAYERPIPE"]),
                                reason="needs root and a static command")


@pytest.fixture
def login(registry, ca, tmp_path):
    """Logs in from within tmp_path; more files are options and environment."""
    server = registry("d28", name=NAME, tls=ca.server_context(name="static", hosts=[NAME]),
                      auth=Auth("basic", users={"user": CANARY}))
    proxy = ConnectProxy({NAME: server.port})
    shutil.copy(os.environ["LAYERPIPE"], tmp_path / "layerpipe")

    def run(*options, **environment):
        return subprocess.run(
            ["chroot", tmp_path, "/layerpipe", "login", "--username", "user", "--password-stdin", "--authfile",
             "/auth.json", *options, server.host], input=CANARY.encode(), stderr=subprocess.PIPE,
            env={"HTTPS_PROXY": proxy.url, "PATH": os.environ["PATH"], **environment})
    yield run
    proxy.stop()


@pytest.fixture(scope="module")
def other_ca(tmp_path_factory):
    return CA(tmp_path_factory.mktemp("other-ca"), name="another authority")


def place(ca, tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ca.cert, tmp_path / name)


@pytest.mark.parametrize("name", FILES)
def test_bundle_of_the_system_is_trusted(name, login, ca, tmp_path):
    place(ca, tmp_path, name)
    result = login()
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", DIRECTORIES)
def test_directory_with_hashes_is_trusted(name, login, ca, tmp_path):
    hashed = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", ca.cert], check=True,
                            stdout=subprocess.PIPE).stdout.decode().strip()
    place(ca, tmp_path, f"{name}/{hashed}.0")
    result = login()
    assert result.returncode == 0, result.stderr


def test_additional_authority_is_added_to_the_bundle(login, ca, other_ca, tmp_path):
    place(ca, tmp_path, FILES[1])
    place(other_ca, tmp_path, "other.pem")
    result = login("--cacert", "/other.pem")
    assert result.returncode == 0, result.stderr


def test_without_authorities_the_server_is_not_trusted(login):
    result = login()
    assert result.returncode == 6
    assert b"--cacert" in result.stderr and b"package ca-certificates" in result.stderr
