# SPDX-License-Identifier: Apache-2.0
"""Wrong usage: exit status 2, one error line that names the help, and no work done."""
import os
import shutil
import subprocess

import pytest
from cli_support import error_line

WRONG = {
    "no command": ([], "no command"),
    "unknown command": (["pull"], "did you mean push?"),
    "unknown command, nothing near": (["frobnicate"], 'unknown command "frobnicate"'),
    "unknown option": (["layer", "--compres", "gzip", "null:", "-"], "did you mean --compress?"),
    "unknown option, nothing near": (["layer", "--zzzzzzzzzz", "null:"], "unknown option"),
    "unknown letter": (["layer", "-x", "null:"], "-x"),
    "options have no short forms": (["layer", "--comp", "gzip", "null:", "-"], "unknown option"),
    "value missing": (["layer", "null:", "--compress"], "--compress needs a value"),
    "value where none is taken": (["layer", "--raw=yes", "null:"], "takes no value"),
    "not a number": (["layer", "--threads", "two", "null:"], "from 0 to 256"),
    "number with a sign": (["layer", "--threads", "-1", "null:"], "from 0 to 256"),
    "number too large": (["layer", "--jobs", "65", "null:"], "from 1 to 64"),
    "number overflows": (["layer", "--jobs", "99999999999999999999", "null:"], "from 1 to 64"),
    "not a size": (["layer", "--memory", "16X", "null:"], "such as 512K"),
    "size overflows": (["layer", "--memory", "99999999999G", "null:"], "out of range"),
    "chunk too small": (["layer", "--chunk-size", "1K", "null:"], "out of range"),
    "not a choice": (["layer", "--upload", "fast", "null:"],
                     "auto|streamed|chunked|monolithic"),
    "progress is a choice": (["layer", "--progress", "bar", "null:"], "auto|tty|plain|none"),
    "neither true nor false": (["layer", "--tls-verify=maybe", "null:"], "true or false"),
    "no repository": (["layer"], "too few arguments"),
    "two inputs to layer": (["layer", "null:", "a", "b"], 'too many arguments at "b"'),
    "layer without input": (["layer", "null:"], "no INPUT"),
    "push without input or base": (["push", "null:"], "--base"),
    "stdin twice": (["push", "null:", "-", "-"], "once only"),
    "password without name": (["layer", "--password-fd", "0", "null:", "x"], "--username"),
    "name without password": (["layer", "--username", "u", "null:", "x"], "--password-stdin"),
    "two passwords": (["layer", "--username", "u", "--password-stdin", "--password-fd", "3",
                       "null:", "x"], "together"),
    "anonymous with a name": (["inspect", "--anonymous", "--username", "u", "x/y"], "together"),
    "stdin is layer and password": (["layer", "--username", "u", "--password-stdin", "null:", "-"],
                                    "both"),
    "the same for push": (["push", "--username", "u", "--password-stdin", "null:", "-"], "both"),
    "key without certificate": (["inspect", "--key", "k.pem", "localhost:1/x"], "--cert"),
    "login without terminal": (["login", "localhost:1"], "--password-stdin"),
    "unknown shell": (["completion", "tcsh"], "bash, zsh or fish"),
    "help of nothing": (["help", "frobnicate"], "frobnicate"),
    "version takes nothing": (["version", "1"], "too many"),
    "a password is no argument": (["layer", "--password", "secret", "null:", "-"],
                                  "unknown option --password"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage_error_names_the_help(command, name):
    args, said = WRONG[name]
    result = command(*args)
    assert result.returncode == 2
    assert result.stdout == b""
    line = error_line(result)
    assert said in line
    assert 'see "layerpipe help' in line
    assert "secret" not in line


@pytest.mark.parametrize("reference", ["localhost:5000/UPPER", "localhost:5000/a@sha256:1", "",
                                       "localhost:5000/a b"])
def test_malformed_reference_is_wrong_usage(command, tar_file, reference):
    for verb in ("layer", "push"):
        result = command(verb, reference, tar_file)
        assert result.returncode == 2, verb
        error_line(result)


def test_layer_with_repository_tag_is_wrong_usage(command, tar_file):
    result = command("layer", "localhost:5000/stream:tag", tar_file)
    assert result.returncode == 2


@pytest.mark.parametrize("name", ["1.2", "sha256:" + "0" * 64])
def test_layer_with_layout_tag_is_wrong_usage(command, tar_file, tmp_path, name):
    sign = "@" if ":" in name else ":"
    result = command("layer", f"oci:{tmp_path}/layout{sign}{name}", tar_file)
    assert result.returncode == 2
    assert f'drop "{name}"' in error_line(result)
    assert not (tmp_path / "layout").exists()
    result = command("layer", "-q", f"oci:{tmp_path}/layout:1.2/", tar_file)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "layout:1.2" / "index.json").exists()


@pytest.mark.parametrize("compress", ["gzip:13", "gzip:-3", "gzip:", "zstd:0x", "lzma", ""])
def test_unknown_codec_or_level_is_wrong_usage(command, tar_file, compress):
    result = command("layer", "--compress", compress, "null:", tar_file)
    assert result.returncode == 2
    error_line(result)


def test_dev_stdin_as_layer_and_password_is_wrong_usage(command):
    """/dev/stdin names stdin, too."""
    result = command("layer", "--username", "u", "--password-stdin", "null:", "/dev/stdin",
                     input=b"password\n")
    assert result.returncode == 2
    assert "both" in error_line(result)


def test_double_dash_ends_options(command, tmp_path, tar_bytes):
    (tmp_path / "--raw").write_bytes(tar_bytes)
    result = command("layer", "-q", "null:", "--", "--raw", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_equals_sign_and_order_of_options_do_not_matter(command, tar_file):
    one = command("layer", "--compress=none", "null:", tar_file, "--json")
    two = command("layer", "null:", "--json", tar_file, "--compress", "none")
    assert one.returncode == two.returncode == 0
    assert one.stdout == two.stdout


def test_setuid_copy_refuses_to_run(command, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root to make a setuid copy")
    folder = os.path.dirname(os.path.realpath(command.path))
    copy = tmp_path / "layerpipe"
    shutil.copy(command.path, copy)
    # A setuid program ignores $ORIGIN. When the loader does not find the library, the program does
    # not run either, and the test passes.
    os.chown(copy, 12345, -1)
    copy.chmod(0o4755)
    result = subprocess.run([copy, "version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={"LD_LIBRARY_PATH": os.path.join(folder, "src")}, check=False)
    assert result.returncode != 0
    assert result.stdout == b""
