# SPDX-License-Identifier: Apache-2.0
"""Wrong usage: exit status 2, one error line that names the help, and no work done."""
import os
import pty
import shutil
import subprocess

import pytest
from cli_support import error_line
from servers import free_port

WRONG = {
    "no command": ([], "no command"),
    "unknown command": (["psh"], "did you mean push?"),
    "command of another tool": (["append"], "push --base IMAGE"),
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
    "nor of login": (["login", "localhost:1", "secret"], "never an argument"),
    "nor a number": (["layer", "--password-fd", "secret", "null:", "-"], "needs a number"),
    "nor in an option of another tool": (["push", "--creds=u:secret", "null:", "-"],
                                         "--password-stdin"),
    "nor in a letter of another tool": (["login", "-psecret", "localhost:1"], "--password-stdin"),
    "switch and its value": (["push", "--tls-verify", "false", "null:", "x"],
                             "write --tls-verify=false"),
    "switch and yes": (["push", "--tls-verify", "yes", "null:", "x"], "write --tls-verify=true"),
    "flag and a value": (["push", "--plain-http", "true", "null:", "x"], 'remove "true"'),
    "mode and its value": (["push", "--look-first", "never", "null:", "x"],
                           "write --look-first=never"),
    "mode of another name": (["push", "--look-first=often", "null:", "x"], "auto|always|never"),
    "env swallows the image": (["push", "--env", "null:", "x.tar"], "--env needs K=V"),
    "label swallows an option": (["push", "--label", "--env", "A=b", "null:"],
                                 "--label needs K=V"),
    "annotation swallows the image": (["push", "--annotation", "null:", "x.tar"], "needs K=V"),
    "tag swallows the image": (["push", "--tag", "localhost:1/a/b", "x.tar"], "--tag needs a tag"),
    "the password has taken stdin": (["layer", "--username", "u", "--password-stdin", "null:"],
                                     "stdin is the password (--password-stdin): name an INPUT"),
    "the same for a push": (["push", "--username", "u", "--password-stdin", "null:"],
                            "stdin is the password (--password-stdin): name an INPUT"),
    "option before the command": (["--json", "push", "null:"],
                                  "write --json after the command's name"),
    "options without command": (["-q", "--progress", "none"], "no command"),
    "unknown option before the command": (["--zzzzzzzz", "push"], "unknown option --zzzzzzzz"),
}

# Options of other tools, and a part of the line that says what to write here.
FOREIGN = {
    "push": {"-k": "--tls-verify=false", "--insecure": "--tls-verify=false", "-e": "--env K=V",
             "-t": "--tag TAG", "-f": "as an argument", "-u": "--username USER",
             "-p": "--password-fd N", "--creds": "--password-stdin", "--dry-run": "null:",
             "--output": "oci:DIR:TAG", "-o": "oci:DIR:TAG", "--concurrency": "--jobs N",
             "--arch": "--platform OS/ARCH", "--debug": "-vv", "-l": "--label K=V"},
    "inspect": {"--insecure": "--plain-http", "--output": "--json", "-u": "--username USER",
                "--raw": "--json", "--format": "--json", "--config": "--json"},
    "cat": {"-o": ">FILE", "--output": ">FILE", "-f": ">FILE", "-C": "tar -x -C DIR",
            "--compression": "gzip:LEVEL, zstd:LEVEL or none", "--json": "inspect --json"},
    "copy": {"-o": "second argument", "-f": "--format oci", "--base": "push --base",
             "--env": "push --base", "--layer": "cat --layer", "-r": "--referrers",
             "--preserve-digests": "keeps all bytes", "--dry-run": "null:",
             "--multi-arch": "--all", "--src-creds": "layerpipe login"},
    "index": {"--label": "--annotation K=V", "-m": "argument", "-o": "first argument"},
    "login": {"-u": "--username USER", "-p": "--password-stdin"},
}
READERS = ["pull", "fetch", "cp", "ls", "tag", "delete", "rm", "tags", "save", "export", "unpack",
           "validate", "images", "search", "blob", "manifest"]


@pytest.mark.parametrize("verb, option", [(verb, option) for verb in FOREIGN
                                          for option in FOREIGN[verb]])
def test_options_of_other_tools(command, verb, option):
    result = command(verb, option, "null:")
    assert result.returncode == 2
    line = error_line(result)
    assert f"unknown option {option}; " in line and FOREIGN[verb][option] in line


@pytest.mark.parametrize("option", ["--env", "--label", "--jobs", "-e", "--dry-run"])
def test_no_advice_that_does_not_work_here(command, option):
    """logout has none of the options that could be named."""
    line = error_line(command("logout", option, "localhost:1"))
    assert line == f'layerpipe: unknown option {option} (see "layerpipe help logout")'


@pytest.mark.parametrize("name", READERS)
def test_no_command_that_writes_is_suggested_to_a_reader(command, name):
    result = command(name, "localhost:1/a")
    assert result.returncode == 2
    assert "did you mean" not in error_line(result)


@pytest.mark.parametrize("general, same", [
    (["-q"], ["-q"]), (["--quiet"], ["-q"]), (["--progress", "none"], ["--progress=none"]),
    (["--progress=none", "-v"], ["--progress", "none", "-v"])])
def test_general_options_before_the_command(command, tar_file, general, same):
    before = command(*general, "layer", "--threads", "0", "null:", tar_file)
    after = command("layer", *same, "--threads", "0", "null:", tar_file)
    assert before.returncode == after.returncode == 0, before.stderr
    assert (before.stdout, before.stderr) == (after.stdout, after.stderr)


def test_help_and_version_before_the_command(command):
    assert command("-h", "push").stdout == command("help", "push").stdout
    assert command("-V").stdout == command("version").stdout


def test_word_after_a_switch_is_an_argument(command, tar_file):
    """Only words that look like its value are refused."""
    result = command("push", "-q", "--look-first", "--tls-verify", "null:", tar_file)
    assert result.returncode == 0, result.stderr


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


@pytest.mark.parametrize("password, words", [
    (b"", "is empty"), (b"\n", "is empty"), (b"a\nb\n", "not one line"), (b"a\0b", "not one line"),
    (b"x" * 65536, "longer than 65535 bytes"), (b"x" * 100000, "longer than 65535 bytes")],
    ids=["empty", "line end", "two lines", "NUL", "one byte too long", "too long"])
def test_password_that_is_no_line_of_text_is_wrong_usage(command, password, words):
    result = command("inspect", "--username", "u", "--password-stdin", "localhost:1/a", input=password)
    assert result.returncode == 2 and words.encode() in result.stderr, result


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


@pytest.mark.parametrize("name", ["localhost:1/a/b", "localhost:port", "ci:S3cret@localhost:1", ""])
def test_login_checks_the_name_before_it_asks(command, name):
    """On a terminal, where a password would have been typed for nothing."""
    ours, theirs = pty.openpty()
    try:
        result = command("login", name, stdin=theirs, stderr=theirs, env={"TERM": "xterm"})
        said = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert result.returncode == 2
    assert said.startswith("layerpipe: ") and "Username" not in said and "S3cret" not in said


@pytest.mark.parametrize("words", [["push", "NAME", "INPUT"], ["layer", "NAME", "INPUT"],
                                   ["push", "--base", "NAME", "null:", "INPUT"],
                                   ["push", "--mount-from", "NAME", "localhost:1/a", "INPUT"],
                                   ["push", "--subject", "NAME", "oci:layout:1", "INPUT"],
                                   ["inspect", "NAME"], ["logout", "NAME"]])
def test_password_in_a_name_is_not_shown(command, tar_file, tmp_path, words):
    name = "ci:S3cret@localhost:1/x"
    places = {"NAME": name, "INPUT": str(tar_file)}
    result = command(*[places.get(word, word) for word in words], cwd=tmp_path)
    assert result.returncode == 2
    assert b"S3cret" not in result.stderr + result.stdout
    assert "***@localhost:1/x" in error_line(result) or words[0] == "logout"


@pytest.mark.parametrize("name", ["oci://localhost:1/app:1", "docker://localhost:1/app:1",
                                  "containers-storage:x", "dir:x", "docker-daemon:x"])
@pytest.mark.parametrize("words", [["push", "NAME", "INPUT"], ["layer", "NAME", "INPUT"],
                                   ["push", "--base", "NAME", "null:", "INPUT"],
                                   ["copy", "NAME", "null:"], ["copy", "-", "NAME"],
                                   ["cat", "NAME"], ["inspect", "NAME"],
                                   ["index", "null:", "NAME"], ["index", "NAME", "oci:x"]])
def test_notations_of_other_tools(command, tar_file, tmp_path, words, name):
    """Nothing is made, and no registry is asked."""
    before = sorted(os.listdir(tmp_path))
    places = {"NAME": name, "INPUT": str(tar_file)}
    result = command(*[places.get(word, word) for word in words], cwd=tmp_path, input=b"")
    assert result.returncode == 2
    line = error_line(result)
    assert any(advice in line for advice in ("write localhost:1/app:1", "use oci:DIR[:TAG]",
                                             "use docker-archive:-"))
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("words, said", [
    (["cat", "-"], "a path is no reference"),
    (["copy", "oci:x", "-"], "oci-archive:FILE (- for stdin or stdout)"),
    (["copy", "./x.tar", "null:"], "docker-archive:FILE"),
    (["push", "oci-archive://x.tar", "INPUT"], "write oci-archive:x.tar"),
    (["push", "--subject", "sha256:xyz", "oci:x", "INPUT"], "subject: reference 'sha256:xyz'"),
    (["cat", "null:"], "nothing can be read from it"),
    (["copy", "null:", "oci:x"], "nothing can be read from it")])
def test_paths_and_archives_in_place_of_a_reference(command, tar_file, tmp_path, words, said):
    words = [str(tar_file) if word == "INPUT" else word for word in words]
    result = command(*words, cwd=tmp_path, input=b"")
    assert result.returncode == 2
    assert said in error_line(result)


@pytest.mark.parametrize("words", [["copy", "NAME", "null:"], ["cat", "NAME"], ["inspect", "NAME"]])
def test_name_of_a_file_is_recognised(command, tmp_path, words):
    """A file that is named like an image is what the user meant, if there is no such image."""
    (tmp_path / "localhost:1").mkdir()
    (tmp_path / "localhost:1" / "image.tar").write_bytes(b"")
    for name, hinted in (("localhost:1/image.tar", True), ("localhost:1/other.tar", False)):
        result = command(*[word.replace("NAME", name) for word in words], "--retry", "0", "-q",
                         cwd=tmp_path)
        assert result.returncode == 6
        assert ("write docker-archive:FILE" in error_line(result)) == hinted


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


def test_file_without_destination_is_explained(command, tar_file):
    """"layerpipe push rootfs.tar": the only argument is the destination."""
    for verb in ("push", "layer"):
        result = command(verb, os.path.basename(tar_file), cwd=os.path.dirname(tar_file), stdin=subprocess.DEVNULL)
        assert result.returncode == 2
        assert f"{os.path.basename(tar_file)} is a file: name the destination before it" in error_line(result)


@pytest.mark.parametrize("verb", ["inspect", "cat", "copy"])
def test_name_of_a_layout_is_explained(command, tmp_path, tar_file, verb):
    name = f"localhost:{free_port()}/x"
    assert command("push", "-q", f"oci:{tmp_path}/made", tar_file).returncode == 0
    (tmp_path / name).parent.mkdir()
    (tmp_path / "made").rename(tmp_path / name)
    result = command(verb, "--retry", "0", name, *(["null:"] if verb == "copy" else []), cwd=tmp_path)
    assert result.returncode == 6
    assert "an image layout here has this name: write oci:DIR[:TAG]" in error_line(result)
