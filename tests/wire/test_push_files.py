# SPDX-License-Identifier: Apache-2.0
"""push --config and --env-file: the config of an image from files."""
import json
import os

import pytest
from image_support import Base, stored_config
from inputs import sha256

NAME = "some/image"
CONFIG = {"os": "linux", "architecture": "arm64", "variant": "v8", "author": "me",
          "created": "2001-01-01T00:00:00Z", "config": {"Cmd": ["run"], "Env": ["A=1", "B=2"],
                                                        "Labels": {"k": "v"}},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]},
          "history": [{"created_by": "another image"}], "x-own": {"kept": [1, 2.5]}}


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def push(run, server, *arguments, **more):
    return run("push", "--json", "--created", "0", *arguments[:-1], f"{server.host}/{NAME}:1",
               arguments[-1], **more)


def test_config_file_is_the_start_of_the_config(run, registry, tar_file, config_file):
    server = registry("d28")
    push(run, server, "--env", "B=3", "--config", config_file, "--label", "l=w", tar_file).json()
    config = stored_config(server, NAME, server.manifest(NAME, "1"))
    assert config == {**CONFIG, "created": "1970-01-01T00:00:00Z",
                      "config": {"Cmd": ["run"], "Env": ["A=1", "B=3"],
                                 "Labels": {"k": "v", "l": "w"}},
                      "rootfs": {"type": "layers", "diff_ids": [sha256(tar_file.read_bytes())]},
                      "history": [{"created": "1970-01-01T00:00:00Z"}]}


def test_config_file_replaces_the_base_config_but_not_its_layers(run, registry, tar_file,
                                                                 config_file):
    server = registry("d28")
    base = Base(arch="arm64", Env=["OLD=1"], Entrypoint=["old"])
    push(run, server, "--base", base.put(server, NAME, "base"), "--platform", "linux/arm64",
         "--config", config_file, tar_file).json()
    config = stored_config(server, NAME, server.manifest(NAME, "1"))
    assert config["config"] == CONFIG["config"] and config["x-own"] == CONFIG["x-own"]
    assert config["rootfs"]["diff_ids"] == [
        *base.config["rootfs"]["diff_ids"], sha256(tar_file.read_bytes())]


def test_config_of_inspect_is_accepted(run, registry, tar_file, tmp_path):
    server = registry("d28")
    push(run, server, "--env", "A=1", "--cmd", '["x"]', tar_file).json()
    shown = run("inspect", "--json", f"{server.host}/{NAME}:1").json()
    (tmp_path / "c").write_text(json.dumps(shown["config"]))
    first = server.tags(NAME)["1"]
    push(run, server, "--config", tmp_path / "c", tar_file).json()
    assert server.tags(NAME)["1"] == first


def test_config_without_platform_keeps_the_other(run, registry, tar_file, tmp_path):
    server = registry("d28")
    (tmp_path / "c").write_text('{"config":{"User":"me"}}')
    push(run, server, "--platform", "linux/s390x", "--config", tmp_path / "c", tar_file).json()
    config = stored_config(server, NAME, server.manifest(NAME, "1"))
    assert (config["architecture"], config["config"]) == ("s390x", {"User": "me"})


@pytest.mark.parametrize("text, words", [
    ("[]", "image config"), ("{", "image config"), ('{"a":1}', "not an image config"),
    ('{"config":{"Env":"x"}}', "Env"), ('{"os":"linux","architecture":"mips"}', "linux/mips")])
def test_config_file_that_is_none(run, registry, tar_file, tmp_path, text, words):
    server = registry("d28")
    (tmp_path / "c").write_text(text)
    result = push(run, server, "--platform", "linux/amd64", "--config", tmp_path / "c", tar_file)
    assert result.rc == 2 and words in result.stderr, result
    assert server.tags(NAME) == {}


def test_artifact_has_no_config(run, tar_file, config_file):
    result = run("push", "--artifact-type", "a/b", "--config", config_file, "null:", tar_file)
    assert result.rc == 2 and "artifact" in result.stderr, result


def test_env_file(run, registry, tar_file, tmp_path):
    server = registry("d28")
    (tmp_path / "one").write_bytes(b"\xef\xbb\xbf# comment\nA=1 # no comment\r\n\n  B='q'=x\nC=\nD=4")
    (tmp_path / "two").write_text("D=5\n")
    push(run, server, "--env", "B=won", "--env-file", tmp_path / "one", "--env-file",
         tmp_path / "two", tar_file).json()
    config = stored_config(server, NAME, server.manifest(NAME, "1"))
    assert config["config"]["Env"] == ["A=1 # no comment", "B=won", "C=", "D=5"]


@pytest.mark.parametrize("text", [b"A=1\nNAME\n", b"A=1\n=x\n"])
def test_env_file_line_without_value_is_named(run, tar_file, tmp_path, text):
    """A name alone would mean this process's variable to other tools; it is refused."""
    (tmp_path / "env").write_bytes(text)
    result = run("push", "--env-file", tmp_path / "env", "null:", tar_file)
    assert result.rc == 2 and "line 2" in result.stderr and "KEY=VALUE" in result.stderr, result


def test_files_may_be_pipes_and_missing_ones_fail_first(command, run, registry, tar_file, tmp_path):
    server = registry("d28")
    reader, writer = os.pipe()
    os.write(writer, b"A=piped\n")
    os.close(writer)
    result = command.run("push", "--json", "--env-file", f"/dev/fd/{reader}",
                         f"{server.host}/{NAME}:1", tar_file, pass_fds=[reader])
    os.close(reader)
    result.json()
    assert stored_config(server, NAME, server.manifest(NAME, "1"))["config"]["Env"] == ["A=piped"]
    server.journal.clear()
    for option in ("--config", "--env-file"):
        result = push(run, server, option, tmp_path / "none", tar_file)
        assert result.rc == 3 and "none" in result.stderr, result
    (tmp_path / "nul").write_bytes(b"A=\0\n")
    assert push(run, server, "--env-file", tmp_path / "nul", tar_file).rc == 2
    assert len(server.journal) == 0
