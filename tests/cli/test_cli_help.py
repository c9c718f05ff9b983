# SPDX-License-Identifier: Apache-2.0
"""Help, manual pages and completion list the same options, and documents have the right numbers."""
import glob
import os
import re

import pytest
from cli_support import ROOT

VERBS = ["layer", "push", "copy", "cat", "index", "inspect", "login", "logout", "version", "help",
         "completion"]
GENERAL = {"help", "quiet", "verbose", "progress"}
ACCESS = {"authfile", "username", "password-stdin", "password-fd", "anonymous", "cacert", "cert",
          "key", "tls-verify", "plain-http", "trust-realm", "retry"}
UPLOAD = {"upload", "chunk-size", "spool", "jobs", "limit-rate"}
LAYER = {"compress", "prefetch", "threads", "memory", "media-type", "format", "raw", "allow-truncated",
         "allow-empty", "allow-odd-entries", "json", "digest-file", "owner", "prefix", "exclude",
         "chmod"}
IMAGE = {"base", "platform", "env", "env-file", "config", "entrypoint", "cmd", "user", "workdir", "label", "port",
         "volume", "stop-signal", "author", "created", "history", "annotation", "tag", "untagged",
         "artifact-type", "subject", "mount-from", "look-first", "layer-descriptor", "soci",
         "soci-min-size"}
OPTIONS = {
    "layer": GENERAL | ACCESS | UPLOAD | LAYER,
    "push": GENERAL | ACCESS | UPLOAD | LAYER | IMAGE,
    "cat": GENERAL | ACCESS | {"layer", "blob", "compress", "jobs", "threads", "platform"},
    "copy": GENERAL | ACCESS | UPLOAD | {"soci", "soci-min-size", "all", "platform", "referrers", "tag",
                                         "untagged", "json", "digest-file", "compress", "threads", "format",
                                         "mount-from"},
    "index": GENERAL | ACCESS | UPLOAD | {"platform", "append", "skip-missing", "annotation",
                                          "format", "tag", "untagged", "json", "digest-file"},
    "inspect": GENERAL | ACCESS | {"tables", "json", "platform"},
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
    """All of them, each at most once in a page, and in a command's page only its own."""
    every = set()
    for page in glob.glob(os.path.join(ROOT, "man", "layerpipe*.1.scd")):
        documented = []
        with open(page, encoding="utf-8") as file:
            for line in re.findall(r"^(\*-.*)\n\t", file.read(), re.M):
                documented += re.findall(r"\*--([a-z-]+)\*", line)
        assert len(documented) == len(set(documented)), page
        verb = re.search(r"layerpipe-?(\w*)\.1\.scd$", page).group(1)
        assert verb == "" or set(documented) <= OPTIONS[verb], page
        every |= set(documented)
    assert every == set().union(*OPTIONS.values())


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
        assert named - {"cflags", "libs", "update"} <= every, name


# What documents say about limits. {NAME} is a number of src/base/limits.h, {NAME_KIB} and {NAME_MIB} the
# same in other units.
NUMBERS = {
    "cli/options.c": ["(default {CHUNK_BYTES_DEFAULT_MIB}M, minimum {CHUNK_BYTES_MIN_MIB}M)",
                      "(default {JOBS_DEFAULT}, or streams + 1)", "NUMBER(jobs, 1, {JOBS_MAX})",
                      "(default {RETRY_COUNT_DEFAULT})", "NUMBER(threads, 0, {THREADS_MAX})"],
    "include/layerpipe/client.h": [
        "from {CHUNK_BYTES_MIN_MIB} MiB to {CHUNK_BYTES_MAX_MIB} MiB; 0 = {CHUNK_BYTES_DEFAULT_MIB} MiB, adapted",
        "0 = {RETRY_COUNT_DEFAULT}, -1 = never", "at most {JOBS_MAX}; 0 = {JOBS_DEFAULT}, or one more than the streams"],
    "man/layerpipe.1.scd": [
        "at least {CHUNK_BYTES_MIN_MIB}M, {CHUNK_BYTES_DEFAULT_MIB}M by default",
        "at the same time, 1 to {JOBS_MAX}. The default is {JOBS_DEFAULT},",
        "{RETRY_COUNT_DEFAULT} by default, 0 for never"],
    "man/layerpipe-errors.7.scd": ["window of more than {ZSTD_WINDOW_MIB} MiB"],
    "man/layerpipe-protocol.7.scd": ["blobs of at most {SINGLE_BYTES_MAX_MIB} MiB"],
    "README.md": ["at most three chunks of {CHUNK_BYTES_DEFAULT_MIB} MiB",
                  "config has at most {MANIFEST_BYTES_MAX_MIB} MiB, an image at most {LAYERS_MAX} "
                  "layers"],
    "SECURITY.md": ["{MANIFEST_BYTES_MAX_MIB} MiB for manifests and configs",
                    "{TOKEN_BODY_BYTES_MAX_KIB} KiB for a token answer",
                    "{ERROR_BODY_BYTES_MAX_KIB} KiB for an error body and for the output of a helper",
                    "{JSON_VALUES_MAX} values and {JSON_DEPTH_MAX} levels of JSON"],
}
# The same for limits that documents write as words.
WORDS = {
    ("CHUNK_BUFFERS", 3): {"README.md": "at most three chunks",
                           "man/layerpipe-push.1.scd": "three chunks more"},
    ("SESSIONS_MAX", 3): {"man/layerpipe-protocol.7.scd": "at most three in all"},
    ("REDIRECTS_MAX", 5): {"man/layerpipe-protocol.7.scd": "Up to five redirects",
                           "SECURITY.md": "at most five"},
    ("CLOSE_TIMEOUT_MS", 2000): {"man/layerpipe-protocol.7.scd": "at most two seconds"},
    ("RETRY_AFTER_MS_MAX", 300000): {"man/layerpipe.1.scd": "up to five minutes",
                                     "man/layerpipe-protocol.7.scd": "more than five minutes",
                                     "man/layerpipe-errors.7.scd": "longer wait than five minutes"},
}


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def limits():
    units = {"": 1, "KIB": 1 << 10, "MIB": 1 << 20}
    values = {}
    for name, number, unit in re.findall(r"^#define (\w+) \(?(\d+)(?: \* (KIB|MIB))?\)?(?:\s|$)",
                                         read("src/base/limits.h"), re.M):
        values[name] = int(number) * units[unit]
        values[name + "_KIB"], values[name + "_MIB"] = values[name] >> 10, values[name] >> 20
    values["ZSTD_WINDOW_MIB"] = 1 << (values["ZSTD_INPUT_WINDOW_LOG_MAX"] - 20)
    return values


@pytest.mark.parametrize("document", NUMBERS)
def test_documents_have_the_numbers_of_limits_h(document):
    text = " ".join(read(document).split())
    for phrase in NUMBERS[document]:
        assert phrase.format(**limits()) in text


def test_documents_have_the_limits_that_are_words():
    values = limits()
    assert values["HELPER_OUTPUT_BYTES_MAX"] == values["ERROR_BODY_BYTES_MAX"]
    assert values["CONFIG_BYTES_MAX"] == values["MANIFEST_BYTES_MAX"]
    for (name, value), phrases in WORDS.items():
        assert values[name] == value
        for document, phrase in phrases.items():
            assert phrase in " ".join(read(document).split()), (name, document)


def test_manual_has_the_retry_delays_of_limits_h():
    steps = re.search(r"define RETRY_DELAYS_MS ([\d, ]+)", read("src/base/limits.h")).group(1)
    seconds = [f"{int(step) / 1000:g}" for step in steps.split(", ")]
    text = " ".join(read("man/layerpipe-protocol.7.scd").split())
    assert f"The waits are {', '.join(seconds[:-1])} and then always {seconds[-1]} seconds" in text
    assert f"up to {seconds[-1]} seconds" in " ".join(read("man/layerpipe.1.scd").split())


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_at_most_80_columns(command, verb):
    for text in (command("help", verb).stdout, command("help").stdout):
        assert max(len(line) for line in text.decode().splitlines()) <= 80


@pytest.mark.parametrize("verb", sorted(set(VERBS) - {"version", "help"}))
def test_help_begins_with_examples(command, verb):
    text = command("help", verb).stdout.decode()
    shown = text.partition("\nExamples:\n")[2].partition("\n\n")[0].splitlines()
    assert 1 <= len(shown) <= 2 and all("layerpipe " + verb in line for line in shown)
    assert text.index("Examples:") < text.index("--help")


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
