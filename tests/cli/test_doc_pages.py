# SPDX-License-Identifier: Apache-2.0
"""Runs the fenced blocks of README and docs/.

- A `console` block has commands after "$ " and what they print, which is compared without digests, sizes
  and times.
- A `sh` block is run as it is.
- Of a `yaml` or `groovy` block the scripts are run: the text after a line that ends with |, or between '''.
- A comment before the block changes this: <!-- not run: REASON -->, or <!-- each: NAME=VALUE VALUE ... -->,
  which runs it once for each value.

Registry names are replaced by the test registry's, and scripts take the place of programs that make input."""
import os
import re
import subprocess
import textwrap

import pytest
from archive_support import docker_classic, pack
from cli_support import COMMAND, LIMIT_S, ROOT, make_tar
from image_support import Base
from registry import Auth

PAGES = sorted(["README.md", *(os.path.join("docs", name) for name in os.listdir(os.path.join(ROOT, "docs"))
                                 if name.endswith(".md"))])
RUN = {"README.md": 3, "docs/lazy-pulls.md": 4, "docs/recipes.md": 19, "docs/troubleshooting.md": 6}
NOT_RUN = {"docs/recipes.md": ["needs root and the user postgres", "needs a Slurm cluster; the scripts that it starts are run"]}
BLOCK = re.compile(r"(?:^<!-- (?P<how>not run|each): (?P<what>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
                   re.M | re.S)
SCRIPTS = {
    "yaml": re.compile(r"^(?P<indent> *)\S[^\n]*\|\n(?P<text>(?:(?P=indent) +\S[^\n]*\n)+)", re.M),
    "groovy": re.compile(r"'''\n(?P<text>.*?)^ *'''$", re.M | re.S),
}
HOSTS = r"\b(?:registry\.example|ghcr\.io|localhost:5000)\b"
PROGRAMS = {
    "cosign": 'layerpipe inspect "$3"',
    "docker": 'if [ "$1" = load ]; then tar -t >/dev/null; else cat save.tar; fi',
    "mkosi": "cp rootfs.tar image.tar",
    "make": "test -e rootfs.tar",
    "mmdebstrap": "cat trixie.tar",
    "nix-build": 'echo "cat save.tar"',
    "pg_basebackup": "cat rootfs.tar",
}
VARIABLES = {
    "BINARIES_DIR": ".", "BUILD_NUMBER": "7", "DATA": ".",
    "CI_COMMIT_SHORT_SHA": "0123abcd", "CI_REGISTRY": "registry.example", "CI_REGISTRY_IMAGE": "registry.example/g/app",
    "CI_REGISTRY_PASSWORD": "secret", "CI_REGISTRY_USER": "ci",
    "GITHUB_ACTOR": "ci", "GITHUB_OUTPUT": "output.txt", "GITHUB_REPOSITORY": "owner/app", "GITHUB_SHA": "0123abcd",
    "GITHUB_TOKEN": "secret", "REGISTRY_PASSWORD": "secret", "REGISTRY_USER": "ci",
}


def blocks(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return [match.groupdict() for match in BLOCK.finditer(file.read())]


def scripts(block):
    """The shell scripts in a block: none in a block that has only data."""
    if block["language"] in ("sh", "console"):
        return [block["text"]]
    pattern = SCRIPTS.get(block["language"])
    return [textwrap.dedent(match["text"]) for match in pattern.finditer(block["text"])] if pattern else []


def without_numbers(text):
    """The lines of a text, sorted, without digests, sizes and times: each run has others."""
    text = re.sub(r"sha256:[0-9a-f]+", "DIGEST", text)
    text = re.sub(r" ?\(\{.*\}\)", "", text)
    text = re.sub(r"\d[\d.]* (?:B|kB|MB)\b", "SIZE", text)
    text = re.sub(r" \([^()]*SIZE/s\)", "", text)
    return sorted(re.sub(r"\d+\.\d s\b", "TIME", text).splitlines())


@pytest.fixture
def page_shell(tmp_path, command):
    """Runs a script in a directory that has the files and programs of the pages."""
    folder = tmp_path / "pages"
    for name in ("bin", "rootfs/etc", "shard-0", "shard-1", "shard-2"):
        (folder / name).mkdir(parents=True)
    (folder / "rootfs/etc/hostname").write_text("host")
    for number in range(3):
        (folder / f"shard-{number}" / "data").write_text(str(number))
    (folder / "rootfs.tar").write_bytes(make_tar({"etc/hostname": b"x" * 1000}))
    (folder / "trixie.tar").write_bytes(make_tar({"./usr/lib/git-core/git": b"x" * 110_000_000, "./bin": b""}))
    (folder / "save.tar").write_bytes(pack(docker_classic(Base([make_tar({"a": b"1"})]), ("app:1.4",))))
    (folder / "model.safetensors").write_bytes(os.urandom(3000))
    (folder / "sbom.spdx.json").write_text("{}")
    for name, what in PROGRAMS.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{what}\n")
        (folder / "bin" / name).chmod(0o755)
    (folder / "bin" / "layerpipe").symlink_to(COMMAND)

    def run(script, host, variables=()):
        env = {**command.env, **{name: re.sub(HOSTS, host, value) for name, value in VARIABLES.items()},
               **dict(variables), "PATH": f"{folder}/bin:{command.env['PATH']}"}
        result = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", re.sub(HOSTS, host, script)], cwd=folder,
                                env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                timeout=LIMIT_S, check=False)
        return result.returncode, result.stdout.decode()
    return run


def run_console(page_shell, host, text):
    """Runs each command of a session and compares what it prints."""
    for shown in re.split(r"^\$ ", text, flags=re.M)[1:]:
        line, _, expected = shown.partition("\n")
        printed = page_shell(f"set +e\n{line}", host)[1]
        assert without_numbers(printed) == without_numbers(re.sub(HOSTS, host, expected)), line


def run_block(page_shell, host, block):
    for script in scripts(block):
        if block["language"] == "console":
            run_console(page_shell, host, script)
            continue
        name, _, values = (block["what"] or "").partition("=")
        for value in values.split() or [""]:
            code, printed = page_shell(script, host, [(name, value)] if name else [])
            assert code == 0, (script, printed)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_page_run(page_shell, registry, page):
    server = registry(auth=Auth("basic", users={"ci": "secret"}) if page == "docs/recipes.md" else None)
    if server.auth is not None:
        page_shell("echo secret | layerpipe login --username ci --password-stdin registry.example", server.host)
    found = [block for block in blocks(page) if block["how"] != "not run"]
    for block in found:
        run_block(page_shell, server.host, block)
    assert sum(len(scripts(block)) for block in found) == RUN.get(page, 0)


@pytest.mark.parametrize("page", PAGES)
def test_blocks_that_are_not_run_are_known(page):
    assert [block["what"] for block in blocks(page) if block["how"] == "not run"] == NOT_RUN.get(page, [])


def anchors(path):
    """The anchors that GitHub gives to the headings of a page."""
    with open(path, encoding="utf-8") as file:
        headings = re.findall(r"^#+ (.*)$", file.read(), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, "CONTRIBUTING.md", "HACKING.md", "SECURITY.md"])
def test_links_to_pages_lead_somewhere(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        links = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", file.read())
    for path, anchor in links:
        target = os.path.normpath(os.path.join(ROOT, os.path.dirname(page), path)) if path else os.path.join(ROOT, page)
        assert os.path.exists(target), path
        assert not anchor or anchor in anchors(target), (path, anchor)
