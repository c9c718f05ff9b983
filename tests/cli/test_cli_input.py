# SPDX-License-Identifier: Apache-2.0
"""Inputs: named files, stdin without "-", FIFOs, descriptors, directories."""
import gzip
import hashlib
import io
import json
import os
import tarfile
import pty
import signal
import socket
import subprocess
import threading

import pytest
from cli_support import error_line, is_sanitized, make_tar


def diff_id(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def layer_json(result):
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_stdin_pipe_is_read_without_argument(command, tar_bytes):
    result = command("layer", "--json", "null:", input=tar_bytes)
    assert layer_json(result)["diffId"] == diff_id(tar_bytes)


def test_stdin_file_is_read_without_argument(command, tar_file, tar_bytes):
    with open(tar_file, "rb") as stdin:
        result = command("layer", "--json", "null:", stdin=stdin)
    assert layer_json(result)["diffId"] == diff_id(tar_bytes)


def test_stdin_file_is_read_from_its_offset(command, tmp_path, tar_bytes):
    path = tmp_path / "with-header"
    path.write_bytes(b"skip me!" + tar_bytes)
    with open(path, "rb", buffering=0) as stdin:
        stdin.seek(8)
        result = command("layer", "--json", "null:", "-", stdin=stdin)
    assert layer_json(result)["diffId"] == diff_id(tar_bytes)


def test_stdin_socket_is_read_without_argument(command, tar_bytes):
    ours, theirs = socket.socketpair()
    writer = threading.Thread(target=lambda: (ours.sendall(tar_bytes), ours.close()))
    writer.start()
    with theirs:
        result = command("layer", "--json", "null:", stdin=theirs)
    writer.join()
    assert layer_json(result)["diffId"] == diff_id(tar_bytes)


def test_stdin_terminal_is_wrong_usage(command):
    ours, theirs = pty.openpty()
    try:
        assert command("layer", "null:", stdin=theirs).returncode == 2
        assert command("push", "null:", stdin=theirs).returncode == 2
    finally:
        os.close(ours)
        os.close(theirs)


def test_stdin_dev_null_is_read_only_when_named(command):
    assert command("layer", "null:").returncode == 2
    empty = command("layer", "null:", "-")
    assert empty.returncode == 3
    error_line(empty)
    assert command("layer", "-q", "--allow-empty", "null:", "-").returncode == 0


def test_tar_without_entries_is_reported(command, tmp_path):
    """Zeros are a valid tar. Who pushes an empty disk image wants to know."""
    notice = "has no entries, only its end-of-archive mark: the layer is empty (10240 bytes were read)"
    for verb in (["layer", "null:"], ["push", "null:"], ["push", f"oci:{tmp_path}/l:1"]):
        result = command(*verb, input=bytes(10240))
        assert result.returncode == 0 and result.stderr.decode().count(notice) == 1, result
        assert notice not in command(*verb, "--allow-empty", input=bytes(10240)).stderr.decode()
        assert notice not in command(*verb, input=make_tar({"a": b""})).stderr.decode()
    assert "no entries" not in command("layer", "--raw", "null:", input=bytes(10240)).stderr.decode()


def test_non_blocking_stdin_is_read_to_its_end(command, tar_bytes):
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with command.start("layer", "--json", "null:", stdin=reader, stdout=subprocess.PIPE) as process:
        os.close(reader)
        for part in (tar_bytes[:700], tar_bytes[700:]):
            os.write(writer, part)
        os.close(writer)
        out = process.stdout.read()
    assert process.returncode == 0
    assert json.loads(out)["diffId"] == diff_id(tar_bytes)


@pytest.mark.parametrize("where", ["/nowhere/rootfs.tar", "missing.tar", ""])
def test_missing_file_error_names_it(command, tmp_path, where):
    for verb in ("layer", "push"):
        result = command(verb, "null:", where, cwd=tmp_path)
        assert result.returncode == 3, verb
        assert where in error_line(result)


def test_missing_file_fails_before_layout_is_created(command, tmp_path, tar_file):
    layout = tmp_path / "layout"
    result = command("push", f"oci:{layout}:x", tar_file, "missing.tar", cwd=tmp_path)
    assert result.returncode == 3
    assert not layout.exists()


def test_dev_fd_input_is_read(command, tar_bytes):
    reader, writer = os.pipe()
    with command.start("layer", "--json", "null:", f"/dev/fd/{reader}", stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, pass_fds=[reader]) as process:
        os.close(reader)
        with open(writer, "wb") as out:
            out.write(tar_bytes)
        result = json.loads(process.stdout.read())
    assert process.returncode == 0
    assert result["diffId"] == diff_id(tar_bytes)


def test_closed_dev_fd_input_fails(command):
    result = command("layer", "null:", "/dev/fd/77")
    assert result.returncode == 3
    assert "/dev/fd/77" in error_line(result)


def test_fifos_written_one_after_the_other_become_layers(command, tmp_path):
    """The second FIFO gets a writer only after the first one has been written completely."""
    tars = [make_tar({f"file{n}": bytes([n]) * 100000}) for n in range(3)]
    fifos = [tmp_path / f"fifo{n}" for n in range(3)]
    for fifo in fifos:
        os.mkfifo(fifo)

    def fill():
        for fifo, data in zip(fifos, tars):
            fifo.write_bytes(data)

    writer = threading.Thread(target=fill)
    writer.start()
    result = command("push", "-q", "--json", "null:", *fifos)
    writer.join()
    layers = layer_json(result)["layers"]
    assert [layer["diffId"] for layer in layers] == [diff_id(data) for data in tars]
    assert [layer["source"] for layer in layers] == ["streamed"] * 3


def test_same_directory_gives_same_digest(command, tmp_path):
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "b").write_text("b")
    (folder / "a").write_text("a")
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    first = layer_json(command("layer", "--json", "null:", folder, env=env))
    os.utime(folder / "a", (1800000000, 1800000000))
    second = layer_json(command("layer", "--json", "null:", folder, env=env))
    assert first["digest"] == second["digest"]
    assert first["diffId"] == second["diffId"]


def test_layers_have_the_order_of_the_command_line(command, tmp_path):
    tars = [make_tar({f"file{n}": b"x" * n}) for n in range(1, 4)]
    paths = [tmp_path / f"{n}.tar" for n in range(3)]
    for path, data in zip(paths, tars):
        path.write_bytes(data)
    layout = tmp_path / "layout"
    middle = command("layer", "--json", f"oci:{layout}", paths[1])
    descriptor = tmp_path / "layer.json"
    descriptor.write_bytes(middle.stdout)
    result = command("push", "-q", "--json", f"oci:{layout}:x", paths[0], "--layer-descriptor",
                     descriptor, paths[2])
    layers = layer_json(result)["layers"]
    assert [layer["diffId"] for layer in layers] == [diff_id(data) for data in tars]


def test_missing_layer_descriptor_error_names_it(command):
    result = command("push", "null:", "--layer-descriptor", "/nowhere/layer.json")
    assert result.returncode == 3
    assert "/nowhere/layer.json" in error_line(result)


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers need descriptors themselves")
@pytest.mark.parametrize("verb, before, in_the_end", [
    ("layer", [], 0), ("push", [], 0),
    ("push", ["--layer-descriptor"], 2)])  # the tar is no descriptor
def test_missing_descriptors_are_missing_resources(command, tar_file, verb, before, in_the_end):
    """For every number of free descriptors: never "input" (3), whichever call fails."""
    statuses = set()
    for limit in range(3, 16):
        script = f'ulimit -n {limit}; exec "$@"'
        done = subprocess.run(["sh", "-c", script, "sh", command.path, verb, "-q", "null:", *before,
                               str(tar_file)], env=command.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if b"error while loading shared libraries" not in done.stderr:
            statuses.add(done.returncode)
    assert statuses == {10, in_the_end}


@pytest.mark.parametrize("verb", ["layer", "push"])
def test_silent_stdin_is_explained(command, tar_bytes, verb):
    """Once, after two seconds, if stdin was not named."""
    for named, notices in ((False, 1), (True, 0)):
        with command.start(verb, "--progress", "none", "null:", *(["-"] if named else []),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE) as process:
            if notices:
                line = process.stderr.readline().decode()
                assert "waiting for a tar archive on stdin" in line
                assert ("</dev/null" in line) == (verb == "push")
            out, err = process.communicate(tar_bytes)
            assert process.returncode == 0, err
            assert out.startswith(b"null:@sha256:") and err == b""


def test_silent_stdin_and_a_signal(command):
    with command.start("push", "--base", "localhost:1/a", "localhost:1/b", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
    assert process.returncode == -signal.SIGTERM, err


@pytest.mark.parametrize("data", [b"", b"line of a list\n", b"line of a list\n" * 100])
@pytest.mark.parametrize("verb", ["layer", "push"])
def test_implied_stdin_that_is_no_tar_is_explained(command, verb, data):
    """An open stdin, as in "while read line; do layerpipe push ...; done < list"."""
    line = error_line(command(verb, "-q", "null:", input=data))
    assert line.startswith("layerpipe: no INPUT was named, so stdin was read: ")
    assert ("</dev/null" in line) == (verb == "push")
    named = command(verb, "-q", "null:", "-", input=data)
    assert named.returncode == 3
    assert "no INPUT was named" not in error_line(named)


def test_implied_stdin_that_is_cut_off_was_meant(command, tar_bytes):
    result = command("push", "-q", "null:", input=tar_bytes[:5000])
    assert result.returncode == 3
    assert "no INPUT was named" not in error_line(result)


@pytest.mark.parametrize("more, cure", [(b"", "tar -A joins archives"), (b"x" * 30000, "head -c")])
def test_an_archive_with_more_behind_it_gets_one_advice(command, tar_bytes, more, cure):
    """Not --raw as well, which would store bytes that are a tar archive."""
    line = error_line(command("push", "-q", "null:", "-", input=tar_bytes + (more or tar_bytes)))
    assert cure in line and "--raw" not in line


@pytest.mark.parametrize("verb", ["layer", "push"])
def test_new_directories_are_told(command, tar_file, tmp_path, verb):
    """A misspelt path is made whole; the layout alone is what was asked for."""
    def said(path):
        result = command(verb, "--progress", "none", f"oci:{path}", tar_file, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stderr.decode()

    deep = tmp_path / "no" / "such" / "layout"
    assert said(deep) == (f"layerpipe: the layout {deep} and its parent directories are made new\n")
    assert said(deep) == said(tmp_path / "layout") == said("./relative") == said("other/") == ""


def test_stdin_directory_gives_same_layer_as_its_path(command, tmp_path):
    (tmp_path / "tree").mkdir()
    stdin = os.open(tmp_path / "tree", os.O_RDONLY | os.O_DIRECTORY)
    try:
        by_stdin = layer_json(command("layer", "--json", "null:", "-", stdin=stdin))
    finally:
        os.close(stdin)
    assert by_stdin == layer_json(command("layer", "--json", "null:", tmp_path / "tree"))


def test_removed_working_directory_without_home_works(command, tmp_path, tar_bytes):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'cd "{gone}" && rmdir "{gone}" && exec env -u HOME "$0" layer -q null: -'
    result = subprocess.run(["sh", "-c", script, command.path], input=tar_bytes, env=command.env,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("locale", ["de_DE.UTF-8", "tr_TR.UTF-8", "C"])
def test_locale_and_time_zone_do_not_change_digest(command, tar_bytes, locale):
    env = {"LC_ALL": locale, "TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1700000000"}
    result = command("push", "-q", "null:", "--platform", "linux/amd64", input=tar_bytes, env=env)
    plain = command("push", "-q", "null:", "--platform", "linux/amd64", input=tar_bytes,
                    env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert result.returncode == 0, result.stderr
    assert result.stdout == plain.stdout


@pytest.mark.parametrize("begin, name", [
    (b"PK\x03\x04", "a zip archive"), (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"070701", "a cpio archive"), (b"!<arch>\ndebian-binary", "an ar archive"),
    (b"\xed\xab\xee\xdb", "an rpm package"), (b"\x7fELF", "an ELF program"),
    (b"\xef\xbb\xbf <!DOCTYPE HTML>", "an HTML page"), (b"\n{ \"a\": 1 }", "JSON"),
    (b"\0" * 32769 + b"CD001", "an ISO 9660 image"), (b"hsqs", "a squashfs image"),
    (b"LZIP\x01", "lzip -dc"), (b"\xfd7zXZ\0", "xz -dc")])
@pytest.mark.parametrize("size", [100, 100000])
def test_input_that_is_no_tar_is_named(begin, name, size, command):
    data = begin + b"\0" * (size - len(begin)) if size > len(begin) else begin
    result = command("layer", "null:", "-", input=data)
    assert result.returncode == 3
    assert name in result.stderr.decode(), result


@pytest.mark.parametrize("begin,words", [
    (b"\x1f\x8b\x08\0", "compressed twice, with gzip inside"),
    (b"\xfd7zXZ\0", "compressed twice, with xz inside"),
    (b"PK\x03\x04", "the decompressed input is a zip archive")])
def test_compressed_input_that_is_no_tar_is_named(begin, words, command):
    result = command("layer", "null:", "-", input=gzip.compress(begin + bytes(600)))
    assert result.returncode == 3 and words in error_line(result), result


def test_one_stream_is_one_input(command, tmp_path, tar_file, tar_bytes):
    """Each input would get a part of it; bytes that are no tar would be split without a word."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    push = ["push", "--raw", "--artifact-type", "a/b", f"oci:{tmp_path}/l:1"]
    with open(tar_file, "rb") as first, open(tar_file, "rb") as second:
        one, other = f"/dev/fd/{first.fileno()}", f"/dev/fd/{second.fileno()}"
        for names in ([fifo, fifo], ["/dev/stdin", "-"], [one, one.replace("/dev", "/proc/self")]):
            result = command(*push, *map(str, names), input=tar_bytes, pass_fds=[first.fileno()])
            assert result.returncode == 2 and "same stream" in error_line(result), result
        result = command(*push, one, other, str(tar_file), str(tar_file),
                         pass_fds=[first.fileno(), second.fileno()])
        assert result.returncode == 0, result


@pytest.mark.parametrize("name", ["BZhello", "070701", "PK\x03\x04", "{}", "#!run"])
def test_tar_may_begin_with_a_file_of_any_name(name, command):
    """The first bytes of a tar are the name of its first file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    tar = out.getvalue()
    assert command("layer", "null:", "-", input=tar).returncode == 0
    for size in (4, 600):
        data = gzip.compress(tar[:size]) + gzip.compress(tar[size:])
        assert command("layer", "null:", "-", input=data).returncode == 0


def test_raw_bytes_are_no_layer_of_an_image(command, tmp_path):
    arguments = ["push", "--raw", f"oci:{tmp_path}/l:1", "-"]
    refused = command(*arguments, input=b"hello")
    assert refused.returncode == 2 and b"--artifact-type" in refused.stderr
    for option in ("--artifact-type", "--media-type"):
        assert command(*arguments, option, "text/plain", input=b"hello").returncode == 0
