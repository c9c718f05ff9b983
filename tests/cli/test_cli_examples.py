# SPDX-License-Identifier: Apache-2.0
"""Runs the commands that README and the manual pages show. Only registry names are replaced, and
scripts take the place of programs that produce a tar, such as mmdebstrap."""
import glob
import os
import re
import subprocess

import pytest
from archive_support import docker_classic, oci_archive, pack
from cli_support import COMMAND, LIMIT_S, ROOT, make_tar
from image_support import Base
from registry import Auth

# A command with its continuation lines.
SHOWN = re.compile(r"^(?:    |\t)(.*\blayerpipe .*?(?:\\\n.*)*)$", re.M)
PRODUCERS = {"docker": 'if [ "$1" = load ]; then tar -t; else cat save.tar; fi', "mmdebstrap": "cat rootfs.tar", "pg_basebackup": "cat rootfs.tar",
             "ssh": "cat rootfs.tar", "pass": "echo secret"}


def examples(path, section=None):
    """The commands of a section, or of the whole page; an empty list without this section."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        text = file.read()
    return SHOWN.findall(text if section is None else text.partition(section)[2].partition("\n#")[0])


def pages():
    every = sorted(os.path.relpath(path, ROOT)
                   for path in glob.glob(os.path.join(ROOT, "man", "*.1.scd")))
    return [page for page in every if examples(page, "\n# EXAMPLES\n")]


@pytest.fixture
def example_shell(tmp_path, command):
    """Runs a command line in a directory that has all files and programs of the examples."""
    folder = tmp_path / "examples"
    for name in ("bin", "app", "build", "src", "rootfs/etc"):
        (folder / name).mkdir(parents=True)
    for name in ("app/run", "src/main.c", "rootfs/etc/hostname"):
        (folder / name).write_text(name)
    for name in ("rootfs.tar", "etc.tar"):
        (folder / name).write_bytes(make_tar({name: b"x" * 1000}))
    (folder / "image.tar").write_bytes(pack(oci_archive(Base([make_tar({"a": b"1"})]))))
    (folder / "save.tar").write_bytes(pack(docker_classic(Base([make_tar({"a": b"1"})]), ("app:1.4", "db:2"))))
    for name, what in PRODUCERS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{what}\n")
        (folder / "bin" / name).chmod(0o755)
    (folder / "bin" / "layerpipe").symlink_to(COMMAND)

    def run(line):
        env = {**command.env, "PATH": f"{folder}/bin:{command.env['PATH']}"}
        return subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=folder, env=env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT_S, check=False)
    return run


def with_test_registry(line, host):
    """The command with the test registry's host in place of the registry names."""
    line = re.sub(r"registry\.example|localhost:5000", host, line)
    return re.sub(r"(?<![/\w])debian:12", f"{host}/debian:12", line)


def images(host):
    """Commands that make the images which the examples name."""
    plain = [f"layerpipe push {host}/{name} rootfs.tar"
             for name in ("debian:12", "os:1", "build:pi")]
    platforms = [f"layerpipe push --platform linux/{name} {place} rootfs.tar"
                 for name in ("amd64", "arm64")
                 for place in (f"oci:./{name}:latest", f"{host}/app:1.4-{name}")]
    return [*plain, *platforms,
            f"layerpipe index {host}/app:1.4 {host}/app:1.4-amd64 {host}/app:1.4-arm64"]


def run_all(example_shell, host, lines, first=()):
    for line in [*first, *lines]:
        result = example_shell(with_test_registry(line, host))
        assert result.returncode == 0, (line, result.stderr.decode())


def test_manual_pages_have_examples():
    names = {re.sub(r"man/layerpipe-?|\.1\.scd", "", page) for page in pages()}
    assert names >= {"", "cat", "copy", "index", "layer", "login", "push"}


def test_readme_examples_run(example_shell, registry):
    server = registry()
    lines = examples("README.md")
    assert len(lines) >= 18
    run_all(example_shell, server.host, lines, first=images(server.host))
    assert set(server.tags("app")) >= {"1.4", "1.5", "latest"}
    assert set(server.tags("backup")) == {"monday"}


@pytest.mark.parametrize("page", pages())
def test_manual_examples_run(example_shell, registry, page):
    server = registry(auth=Auth("basic", users={"ci": "secret"}) if "login" in page else None)
    lines = examples(page, "\n# EXAMPLES\n")
    run_all(example_shell, server.host, lines,
            first=[] if "login" in page else images(server.host))


@pytest.mark.parametrize("verb", ["layer", "push", "copy", "cat", "index", "inspect"])
def test_examples_of_the_help_run(command, example_shell, registry, verb):
    server = registry()
    text = command("help", verb).stdout.decode()
    lines = re.findall(r"^  (.*layerpipe .*)$", text.partition("\nExamples:\n")[2].partition("\n\n")[0], re.M)
    assert len(lines) == 2
    run_all(example_shell, server.host, lines, first=images(server.host))
