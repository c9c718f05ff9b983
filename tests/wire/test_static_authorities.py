# SPDX-License-Identifier: Apache-2.0
"""A static command finds the certificate authorities of the system that it runs on. It runs in a root directory
that has nothing but itself and the authorities, so these tests need root and a static command:
LAYERPIPE=build-static/layerpipe."""
import os
import shutil
import subprocess

import pytest
from auth_support import CANARY
from cli_support import make_tar
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
    place(ca, tmp_path, f"{name}/{name_hash(ca)}.0")
    result = login()
    assert result.returncode == 0, result.stderr


# As distributions have them: a name, and what it links to.
CERTIFICATE = "usr/share/ca-certificates/mozilla/Root.crt"
DEBIAN = {"etc/ssl/certs/HASH.0": "Root.pem", "etc/ssl/certs/Root.pem": f"/{CERTIFICATE}"}
LAYOUTS = {
    "debian": (CERTIFICATE, DEBIAN),
    "debian, only etc/ssl": ("etc/ssl/certs/ca-certificates.crt", DEBIAN),
    "red hat": ("etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", {
        "etc/pki/tls/certs/ca-bundle.crt": "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "etc/ssl/certs": "../pki/tls/certs"}),
    "suse": ("var/lib/ca-certificates/ca-bundle.pem", {
        "etc/ssl/ca-bundle.pem": "../../var/lib/ca-certificates/ca-bundle.pem"}),
    "suse, hashes": ("var/lib/ca-certificates/pem/Root.pem", {
        "var/lib/ca-certificates/pem/HASH.0": "Root.pem", "etc/ssl/certs": "../../var/lib/ca-certificates/pem"}),
    "alpine": ("etc/ssl/certs/ca-certificates.crt", {"etc/ssl/cert.pem": "certs/ca-certificates.crt"}),
}


def name_hash(ca):
    return subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", ca.cert], check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_a_distribution_is_trusted(layout, login, ca, tmp_path):
    name, links = LAYOUTS[layout]
    place(ca, tmp_path, name)
    for link, target in links.items():
        link = tmp_path / link.replace("HASH", name_hash(ca))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    result = login()
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("variable", [{"SSL_CERT_FILE": "/own/ca.pem"}, {"SSL_CERT_DIR": "/nonexistent:/own"}])
def test_authority_of_a_variable_is_trusted(variable, login, ca, other_ca, tmp_path):
    place(ca, tmp_path, "own/ca.pem")
    place(other_ca, tmp_path, FILES[0])
    result = login(**variable)
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


@pytest.fixture
def empty_root(docker_registry, ca, tmp_path):
    """Runs the command in a root without /etc, /tmp, /proc and /dev, beside a registry with TLS."""
    registry = docker_registry(tls=True)
    root = tmp_path / "root"
    place(ca, root, "own.pem")
    shutil.copy(os.environ["LAYERPIPE"], root / "layerpipe")

    def run(command, *arguments, data=b""):
        return subprocess.run(["chroot", root, "/layerpipe", command, *arguments], input=data,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PATH": os.environ["PATH"]})
    run.root = root
    run.image = f"{registry.host}/a/b:1"
    return run


def test_push_and_cat_in_an_empty_root(empty_root):
    content = make_tar({"file": os.urandom(3 << 20)})
    pushed = empty_root("push", "--cacert", "/own.pem", empty_root.image, "-", data=content)
    assert pushed.returncode == 0, pushed.stderr
    read = empty_root("cat", "--layer", "1", "--cacert", "/own.pem", empty_root.image)
    assert (read.returncode, read.stdout) == (0, content), read.stderr
    assert sorted(os.listdir(empty_root.root)) == ["layerpipe", "own.pem"]


def test_empty_root_says_what_is_missing(empty_root):
    pushed = empty_root("push", empty_root.image, "-", data=make_tar({"file": b""}))
    assert pushed.returncode == 6
    assert b"package ca-certificates" in pushed.stderr and b"--cacert" in pushed.stderr
    spooled = empty_root("push", "--spool", "/tmp", "--cacert", "/own.pem", empty_root.image, "-",
                         data=make_tar({"file": b""}))
    assert spooled.returncode != 0 and b"/tmp" in spooled.stderr
