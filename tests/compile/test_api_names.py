# SPDX-License-Identifier: Apache-2.0
"""Messages of the library name options and functions as the headers do, between backquotes, and the
command knows what its user writes instead (cli/api_names.c). So C programs do not get advice about
options of a command."""
import glob
import re

import pytest
from compile_support import ROOT

STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
COMMAND = re.compile(r"\blayerpipe (cat|copy|index|inspect|layer|login|logout|push)\b")


def read(pattern):
    texts = {}
    for path in glob.glob(f"{ROOT}/{pattern}", recursive=True):
        with open(path, encoding="utf-8") as file:
            texts[path[len(ROOT) + 1:]] = file.read()
    return texts


@pytest.fixture(scope="module")
def messages():
    """(path, text) of each string in the library; adjacent strings are one."""
    found = []
    for path, text in read("src/**/*.[ch]").items():
        for match in re.finditer(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', text):
            found.append((path, "".join(STRING.findall(match.group()))))
    return found


@pytest.fixture(scope="module")
def names():
    """Name in the headers -> what the command shows."""
    table = read("cli/api_names.c")["cli/api_names.c"]
    return dict(re.findall(r'\{ "(\w+)", "([^"]+)" \}', table))


def test_each_name_in_a_message_is_known(messages, names):
    used = {name for _, text in messages for name in re.findall(r"`(\w+)`", text)}
    assert used == set(names)


def test_the_headers_have_each_name(names):
    headers = "\n".join(read("include/layerpipe/*.h").values())
    assert [name for name in names if not re.search(rf"\b{name}\b", headers)] == []


def test_no_message_names_an_option_or_a_command(messages):
    options = set(re.findall(r'\{ "([a-z-]+)", (?:0|\'\w\'),', read("cli/options.c")["cli/options.c"]))
    assert len(options) > 50
    wrong = [(path, text) for path, text in messages if COMMAND.search(text) or
             not re.search(r"\btar('s)? ", text) and options & set(re.findall(r"--([a-z-]+)", text))]
    assert wrong == []


def test_each_shown_option_exists(names):
    options = read("cli/options.c")["cli/options.c"]
    shown = {option for text in names.values() for option in re.findall(r"--([a-z-]+)", text)}
    assert [option for option in shown if f'{{ "{option}", ' not in options] == []
