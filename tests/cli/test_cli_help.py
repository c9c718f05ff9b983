# SPDX-License-Identifier: Apache-2.0
"""Help, manual pages and completion have the same options: exactly the documented ones."""
import glob
import os
import re
import shutil
import subprocess

import pytest
from cli_support import ROOT

VERBS = ["layer", "push", "inspect", "login", "logout", "version", "help", "completion"]
GENERAL = {"help", "quiet", "verbose", "progress"}
ACCESS = {"authfile", "username", "password-stdin", "password-fd", "anonymous", "cacert", "cert",
          "key", "tls-verify", "plain-http", "trust-realm", "retry"}
UPLOAD = {"upload", "chunk-size", "spool", "jobs", "limit-rate"}
LAYER = {"compress", "threads", "memory", "media-type", "format", "raw", "allow-truncated",
         "allow-empty", "json", "digest-file"}
IMAGE = {"base", "platform", "env", "entrypoint", "cmd", "user", "workdir", "label", "port",
         "volume", "stop-signal", "author", "created", "history", "annotation", "tag", "untagged",
         "artifact-type", "subject", "mount-from", "layer-descriptor"}
OPTIONS = {
    "layer": GENERAL | ACCESS | UPLOAD | LAYER,
    "push": GENERAL | ACCESS | UPLOAD | LAYER | IMAGE,
    "inspect": GENERAL | ACCESS | {"json", "platform"},
    "login": GENERAL | ACCESS,
    "logout": GENERAL | {"authfile"},
    "version": GENERAL,
    "help": GENERAL,
    "completion": GENERAL,
}


def options_in_help(command, verb):
    text = command("help", verb).stdout.decode()
    return re.findall(r"^  (?:-\w, |    )--([a-z-]+)", text, re.M)


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_every_option_once(command, verb):
    found = options_in_help(command, verb)
    assert len(found) == len(set(found))
    assert set(found) == OPTIONS[verb]


@pytest.mark.parametrize("verb", VERBS)
def test_help_verb_and_help_option_print_the_same(command, verb):
    by_verb, by_option = command("help", verb), command(verb, "--help")
    assert by_verb.returncode == by_option.returncode == 0
    assert by_verb.stdout == by_option.stdout
    assert by_verb.stderr == by_option.stderr == b""


def test_help_overview_lists_every_verb(command):
    results = [command("help"), command("--help"), command("-h")]
    for result in results:
        assert result.returncode == 0
        assert result.stdout == results[0].stdout
    for verb in VERBS:
        assert f"  layerpipe {verb}" in results[0].stdout.decode()


def test_version_prints_libraries(command):
    by_verb, by_option = command("version"), command("--version")
    assert by_verb.stdout == by_option.stdout
    text = by_verb.stdout.decode()
    assert re.match(r"layerpipe \d+\.\d+\.\d+\n", text)
    for library in ("libzstd", "libcurl", "OpenSSL", "jansson"):
        assert re.search(library + r" \d+\.\d+", text), library


def test_manual_pages_document_exactly_these_options():
    documented = []
    for page in glob.glob(os.path.join(ROOT, "man", "layerpipe*.1.scd")):
        with open(page, encoding="utf-8") as file:
            for line in re.findall(r"^(\*-.*)\n\t", file.read(), re.M):
                documented += re.findall(r"\*--([a-z-]+)\*", line)
    every = set().union(*OPTIONS.values())
    assert set(documented) == every
    # --platform and --json have another meaning for inspect, so they are documented twice.
    assert sorted(documented) == sorted(list(every) + ["platform", "json"])


def test_manual_synopsis_equals_help(command):
    """The words are the same; bold and italic are ignored."""
    in_help = set(re.findall(r"^  (layerpipe .*?) *$", command("help").stdout.decode(), re.M))
    in_page, in_pages = set(), set()
    for path in glob.glob(os.path.join(ROOT, "man", "layerpipe*.1.scd")):
        with open(path, encoding="utf-8") as page:
            synopsis = re.search(r"^# SYNOPSIS\n\n(.*?)\n\n#", page.read(), re.M | re.S).group(1)
        lines = {re.sub(r"[*_]|\+\+$", "", line) for line in synopsis.splitlines()}
        if os.path.basename(path) == "layerpipe.1.scd":
            in_page = lines
        else:
            in_pages |= lines
    assert in_page == {line for line in in_help if line.startswith("layerpipe ")} and in_page
    assert in_pages <= in_page


def test_documents_name_only_existing_options(command):
    every = set().union(*OPTIONS.values())
    for name in ("README.md", "SECURITY.md", "CHANGELOG.md", "docs/digests.md"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            named = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", file.read()))
        assert named - {"cflags", "libs"} <= every, name


def test_errors_page_explains_every_status():
    with open(os.path.join(ROOT, "include", "layerpipe", "error.h"), encoding="utf-8") as header:
        statuses = set(re.findall(r"LPIPE_(\w+) = -\d+,? +/", header.read()))
    with open(os.path.join(ROOT, "man", "layerpipe-errors.7.scd"), encoding="utf-8") as page:
        explained = set()
        for line in page:
            if line.startswith("*"):
                explained.update(re.findall(r"\*([A-Z_]+)\*", line))
    assert len(statuses) > 20
    assert explained == statuses


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_has_all_options_and_valid_syntax(command, shell):
    script = command("completion", shell)
    assert script.returncode == 0
    for verb, options in OPTIONS.items():
        assert verb.encode() in script.stdout
        for option in options:
            assert option.encode() in script.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} to check the syntax with")
    check = subprocess.run([shell, "-n"], input=script.stdout, stderr=subprocess.PIPE, check=False)
    assert check.returncode == 0, check.stderr


def complete(command, *words):
    """What bash completion offers for the last word."""
    script = command("completion", "bash").stdout.decode()
    quoted = " ".join(f"'{word}'" for word in words)
    script += f"""
COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}
_layerpipe
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    out = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, check=True,
                         cwd=command.home).stdout
    return set(out.decode().split())


def test_bash_completion_offers_matching_words(command):
    (command.home / "rootfs.tar").write_bytes(b"")
    (command.home / "folder").mkdir()
    assert complete(command, "layerpipe", "lo") == {"login", "logout"}
    assert complete(command, "layerpipe", "layer", "--al") == {"--allow-truncated", "--allow-empty"}
    assert complete(command, "layerpipe", "push", "--upload", "c") == {"chunked"}
    assert complete(command, "layerpipe", "completion", "") == {"bash", "zsh", "fish"}
    assert complete(command, "layerpipe", "push", "x", "roo") == {"rootfs.tar"}
    assert complete(command, "layerpipe", "push", "--spool", "") == {"folder"}
