# SPDX-License-Identifier: Apache-2.0
"""Output: the result line, JSON, the digest file, and errors of writing them."""
import hashlib
import itertools
import json
import os
import re
import stat
import subprocess

import pytest
from cli_support import error_line, wait_drained

DIGEST = r"sha256:[0-9a-f]{64}"


def ordered(text):
    """Parses JSON into lists of (key, value) pairs, so that the key order is known."""
    return json.loads(text, object_pairs_hook=lambda pairs: pairs)


def test_layer_prints_reference_with_digest(command, tar_file, tmp_path):
    null = command("layer", "null:", tar_file)
    layout = command("layer", f"oci:{tmp_path}/layout", tar_file)
    assert re.fullmatch(rf"null:@{DIGEST}\n", null.stdout.decode())
    assert re.fullmatch(rf"oci:{tmp_path}/layout@{DIGEST}\n", layout.stdout.decode())


def test_layer_json_has_documented_members(command, tar_file, tar_bytes):
    result = command("layer", "--json", "null:", tar_file)
    members = ordered(result.stdout)
    assert [key for key, _ in members] == ["reference", "mediaType", "digest", "size", "diffId",
                                           "uncompressedSize"]
    layer = dict(members)
    assert layer["reference"] == "null:@" + layer["digest"]
    assert layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar+gzip"
    assert layer["diffId"] == "sha256:" + hashlib.sha256(tar_bytes).hexdigest()
    assert layer["uncompressedSize"] == len(tar_bytes)


@pytest.mark.parametrize("limit_kib, most", [(1300, 1), (2048, 1), (8192, 6)])
def test_verbose_prints_buffers_within_memory_limit(command, tar_file, limit_kib, most):
    """The line is printed before the layer is read."""
    result = command("layer", "-v", "--threads", "8", "--compress", "gzip:6", "--memory",
                     f"{limit_kib}K", "null:", tar_file)
    found = re.search(r"^layerpipe: layer: gzip-6:1 \S+ \S+, threads (\d), buffers (\d+) KiB$",
                      result.stderr.decode(), re.MULTILINE)
    threads, buffers = (int(number) for number in found.groups())
    assert 400 < buffers <= limit_kib
    assert threads == most


def test_push_json_has_documented_members(command, tar_file, tmp_path):
    result = command("push", "--json", "--tag", "more", f"oci:{tmp_path}/layout:first", tar_file)
    assert result.returncode == 0, result.stderr
    members = ordered(result.stdout)
    assert [key for key, _ in members] == ["reference", "tags", "mediaType", "digest", "size",
                                           "config", "layers"]
    image = dict(members)
    assert image["tags"] == ["first", "more"]
    assert [key for key, _ in image["config"]] == ["mediaType", "digest", "size"]
    assert len(image["layers"]) == 1
    assert [key for key, _ in image["layers"][0]] == ["mediaType", "digest", "size", "diffId",
                                                      "uncompressedSize", "source"]
    blob = tmp_path / "layout" / "blobs" / "sha256" / image["digest"].split(":")[1]
    assert blob.stat().st_size == image["size"]


def test_inspect_shows_the_pushed_image(command, tar_file, tmp_path):
    pushed = json.loads(command("push", "--json", "--label", "a=b", "--compress", "none", f"oci:{tmp_path}/layout:x",
                                tar_file).stdout)
    shown = command("inspect", "--json", f"oci:{tmp_path}/layout:x")
    assert shown.returncode == 0, shown.stderr
    image = json.loads(shown.stdout)
    assert image["digest"] == pushed["digest"]
    assert image["manifest"]["layers"][0]["digest"] == pushed["layers"][0]["digest"]
    assert image["config"]["config"]["Labels"] == {"a": "b"}
    people = command("inspect", f"oci:{tmp_path}/layout:x").stdout.decode()
    assert pushed["digest"] in people
    size = pushed["layers"][0]["size"]
    assert f"\nmanifest size   {pushed['size']} bytes\n" in people
    assert people.count(f" {size} bytes ({size / 1000:.1f} kB)\n") == 2  # of all layers, and of this one
    assert pushed["layers"][0]["digest"] in people


# Invalid UTF-8: single bytes, truncated, overlong, a surrogate, above the last code point.
INVALID_UTF8 = [b"\xff", b"\x80", b"\xc3", b"\xe2\x82", b"\xc0\xaf", b"\xe0\x9f\xbf",
                b"\xed\xa0\x80", b"\xf0\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5", b"\xf0\x9f\x98"]
TEXT = "a\u00e9\ud7ff\ue000\U00010000\U0010ffff\u20ac"


def test_invalid_utf8_in_layout_path_is_shown_as_fffd(command, tar_file, tmp_path):
    """All commands show each invalid byte as U+FFFD in JSON."""
    name = b"-".join(INVALID_UTF8) + TEXT.encode()
    shown = "-".join("\ufffd" * len(part) for part in INVALID_UTF8) + TEXT
    place = f"oci:{tmp_path}/{os.fsdecode(name)}"
    for args in (["layer", "-q", "--json", place, tar_file],
                 ["push", "-q", "--json", place + ":1", tar_file],
                 ["inspect", "--json", place + ":1"]):
        result = command(*args)
        assert result.returncode == 0, (args[0], result.stderr)
        output = json.loads(result.stdout.decode("utf-8", "strict"))
        assert output["reference"] == f"oci:{tmp_path}/{shown}@{output['digest']}", args[0]
    plain = command("push", "-q", place + ":1", tar_file)
    assert os.fsencode(tmp_path) + b"/" + name + b"@" in plain.stdout


def test_digest_file_is_replaced(command, tar_file, tmp_path):
    target = tmp_path / "digest"
    target.write_text("old")
    result = command("layer", "--digest-file", target, "null:", tar_file)
    assert result.returncode == 0
    assert target.read_text() == result.stdout.decode().strip().split("@")[1]
    assert sorted(os.listdir(tmp_path)) == ["digest", "home", "layer.tar"]


@pytest.mark.parametrize("target", ["real", "missing"])
def test_digest_file_replaces_a_link_itself(command, tar_file, tmp_path, target):
    """In a directory of many users the link may be another user's, and point to any file."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(target)
    result = command("push", "--digest-file", tmp_path / "link", "null:", tar_file)
    assert result.returncode == 0
    assert not (tmp_path / "link").is_symlink()
    assert re.fullmatch(DIGEST, (tmp_path / "link").read_text())
    assert (tmp_path / "real").read_text() == "old"
    assert not (tmp_path / "missing").exists()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_digest_file_may_be_a_descriptor_of_a_file(command, tar_file, tmp_path, name):
    """The file is written where the descriptor stands; it is not replaced."""
    with open(tmp_path / "out", "wb") as out:
        result = command("push", "-q", "--digest-file", name, "null:", tar_file, stdout=out)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(rf"({DIGEST})null:@\1\n", (tmp_path / "out").read_text())


def test_digest_file_may_be_a_link_to_a_fifo(command, tar_file, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    result = command("push", "-q", "--digest-file", tmp_path / "link", "null:", tar_file)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(DIGEST, os.read(reader, 1000).decode())
    os.close(reader)
    assert (tmp_path / "link").is_symlink()


def test_digest_file_can_be_a_pipe(command, tar_file):
    reader, writer = os.pipe()
    result = command("layer", "--digest-file", f"/dev/fd/{writer}", "null:", tar_file,
                     pass_fds=[writer])
    os.close(writer)
    with open(reader, "rb") as pipe:
        digest = pipe.read().decode()
    assert result.returncode == 0, result.stderr
    assert result.stdout.decode() == f"null:@{digest}\n"


@pytest.mark.parametrize("broken", ["truncated", "missing"])
def test_digest_file_is_untouched_after_a_failure(command, tar_bytes, tmp_path, broken):
    target = tmp_path / "digest"
    target.write_text("old")
    if broken == "truncated":
        (tmp_path / "input").write_bytes(tar_bytes[:1000])
    result = command("layer", "--digest-file", target, "null:", tmp_path / "input")
    assert result.returncode == 3
    assert result.stdout == b""
    assert target.read_text() == "old"
    assert not [name for name in os.listdir(tmp_path) if name.startswith("digest.")]


@pytest.mark.parametrize("where", ["/nowhere/digest", "/", ""])
def test_unwritable_digest_file_fails_before_the_push(command, tar_file, tmp_path, where):
    layout = tmp_path / "layout"
    result = command("push", "--digest-file", where, f"oci:{layout}:x", tar_file)
    assert result.returncode == 8
    assert "--digest-file" in error_line(result)
    assert not layout.exists()


def test_full_stdout_error_says_push_succeeded(command, tar_file, tmp_path):
    layout = tmp_path / "layout"
    with open("/dev/full", "wb") as full:
        result = command("push", "-q", f"oci:{layout}:x", tar_file, stdout=full)
    assert result.returncode == 8
    line = error_line(result)
    assert "succeeded" in line and "stdout" in line
    manifest = json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]
    assert manifest in line


def test_broken_stdout_fails(command, tar_file):
    reader, writer = os.pipe()
    os.close(reader)
    result = command("layer", "-q", "null:", tar_file, stdout=writer)
    os.close(writer)
    assert result.returncode == 8
    assert "stdout" in error_line(result)


SUBSETS = [subset for size in range(4) for subset in itertools.combinations((0, 1, 2), size)]


@pytest.mark.parametrize("closed", SUBSETS, ids=lambda s: "".join(map(str, s)) or "none")
def test_closed_stdout_fails_and_other_closed_descriptors_do_not(command, tar_file, closed):
    """Starts the command with some of descriptors 0, 1 and 2 closed."""
    script = 'exec "$@"' + "".join(f" {n}{'<' if n == 0 else '>'}&-" for n in closed)
    result = subprocess.run(["sh", "-c", script, "sh", command.path, "layer", "-q", "null:",
                             str(tar_file)],
                            env=command.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == (8 if 1 in closed else 0)
    assert (result.stdout == b"") == (1 in closed)


@pytest.mark.parametrize("closed", [s for s in SUBSETS if s],
                         ids=lambda s: "".join(map(str, s)))
def test_closed_descriptors_are_not_reused_for_files(command, tmp_path, tar_bytes, closed):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = 'exec "$@"' + "".join(f" {n}{'<' if n == 0 else '>'}&-" for n in closed)
    with subprocess.Popen(["sh", "-c", script, "sh", command.path, "layer", "-q",
                           f"oci:{tmp_path}/layout", str(fifo)], env=command.env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        writer = os.open(fifo, os.O_WRONLY)
        os.write(writer, tar_bytes[:600])
        wait_drained(writer, process)
        places = [os.readlink(f"/proc/{process.pid}/fd/{n}") for n in range(3)]
        os.write(writer, tar_bytes[600:])
        os.close(writer)
        process.communicate()
    for number in closed:
        assert places[number] in ("/dev/null", "/")


def test_stdout_has_only_the_result(command, tar_file):
    for progress in ("auto", "tty", "plain", "none"):
        result = command("push", "-vv", "--progress", progress, "null:", tar_file)
        assert re.fullmatch(rf"null:@{DIGEST}\n", result.stdout.decode()), progress


def test_quiet_prints_nothing_and_plain_progress_prints_digest(command, tar_file):
    assert command("layer", "-q", "null:", tar_file).stderr == b""
    assert command("layer", "--progress", "none", "null:", tar_file).stderr == b""
    plain = command("layer", "--progress", "plain", "null:", tar_file).stderr.decode()
    assert re.search("sha256:[0-9a-f]{12},", plain)
    assert "\033" not in plain


def test_warnings_are_printed_with_quiet(command, tar_file):
    result = command("layer", "-q", "--tls-verify=false", "null:", tar_file,
                     env={"SSLKEYLOGFILE": "/dev/null"})
    said = result.stderr.decode()
    assert result.returncode == 0
    assert "not verified" in said and "SSLKEYLOGFILE" in said


def test_control_characters_in_names_are_not_printed(command):
    result = command("layer", "null:", "evil\033]0;title\007\nname")
    line = error_line(result)
    assert "\033" not in line and "\007" not in line


HIDDEN = ["\x9b", "\x85", "\x7f", "\u00ad", "\u061c", "\u200b", "\u202e", "\ufeff", "\U000e0001"]


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_hidden_characters_are_not_printed(command, tar_file, tmp_path, hidden):
    """Neither in a message, nor in an image's JSON, which keeps its meaning."""
    line = error_line(command("layer", "null:", f"evil{hidden}name"))
    assert hidden not in line and "evil?name" in line
    image = f"oci:{tmp_path}/layout:x"
    made = command("push", "-q", image, "--label", f"a=evil{hidden}name", tar_file)
    assert made.returncode == 0, made.stderr
    for arguments in ([], ["--json"]):
        shown = command("inspect", *arguments, image).stdout.decode()
        assert hidden not in shown and "evil" in shown
    assert json.loads(shown)["config"]["config"]["Labels"] == {"a": f"evil{hidden}name"}


def test_file_size_limit_fails_without_a_signal(command, tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "random").write_bytes(data)
    script = 'ulimit -f 1024; exec "$@"'
    result = subprocess.run(["sh", "-c", script, "sh", command.path, "layer", "-q", "--raw",
                             f"oci:{tmp_path}/layout", str(tmp_path / "random")],
                            env=command.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, check=False)
    assert result.returncode == 8
    assert result.stdout == b""


def test_process_has_no_core_file_and_is_not_dumpable(command, tmp_path):
    """The memory of a process that is not dumpable belongs to root."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with command.start("layer", "-q", "--raw", "null:", fifo, stdout=subprocess.DEVNULL) as process:
        writer = os.open(fifo, os.O_WRONLY)
        os.write(writer, b"x")
        wait_drained(writer, process)
        with open(f"/proc/{process.pid}/limits", encoding="ascii") as limits:
            core = [line.split() for line in limits if line.startswith("Max core")][0]
        mode = stat.S_IMODE(os.stat(f"/proc/{process.pid}/mem").st_mode)
        with open(f"/proc/{process.pid}/cmdline", "rb") as arguments:
            assert b"password" not in arguments.read()
        os.close(writer)
    assert core[4:6] == ["0", "0"]
    assert mode == 0o600
    assert process.returncode == 0


def test_progress_of_null_store_does_not_say_config_exists(command, tar_file):
    """null: stores nothing, so it cannot have the config already."""
    output = command("push", "--progress", "plain", "null:", tar_file).stderr.decode()
    assert re.search("config: .*, sha256:", output) and "exist" not in output
