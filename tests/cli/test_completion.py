# SPDX-License-Identifier: Apache-2.0
"""Completion, in the shells themselves: bash and zsh in a terminal, with the Tab key; fish says what it
would offer."""
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import tarfile
import time

import pytest
from cli_support import LIMIT_S
from servers import missing
from test_cli_help import OPTIONS

SHELLS = ["bash", "zsh", "fish"]
CTRL_U, CTRL_X = "\x15", "\x18"
# Ctrl-X shows what the line has become.
START = {
    "bash": (["bash", "--norc", "--noprofile"],
             "source {script}; bind 'set bell-style none'; "
             "bind -x '\"\\C-x\": echo \"<$READLINE_LINE>\"'"),
    "zsh": (["zsh", "-f"],
            "autoload -U compinit; compinit -u -D; source {script}; unsetopt beep; bindkey -e; "
            "show() {{ print -r -- \"<$BUFFER>\" }}; zle -N show; bindkey '^X' show"),
}


class Terminal:
    """A shell with the completion script in a pseudo terminal."""

    def __init__(self, shell, script, folder):
        argv, setup = START[shell]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, {"PATH": os.environ["PATH"], "HOME": str(folder), "PS1": "> ",
                                       "TERM": "dumb", "LC_ALL": "C.UTF-8"})
        self.type(setup.format(script=script) + "; echo rea''dy\n")
        self.wait_for(r"ready\r?\n")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern):
        end, seen = time.monotonic() + LIMIT_S, ""
        while not re.search(pattern, seen):
            assert select.select([self.terminal], [], [], end - time.monotonic())[0], seen
            seen += os.read(self.terminal, 65536).decode(errors="replace")
        return re.search(pattern, seen)

    def completes(self, line, wanted):
        """The Tab key at the end of the line makes it the wanted one."""
        self.type(line + "\t" + CTRL_X)
        found = self.wait_for(r"<(layerpipe [^>]*)>\r?\n")[1]
        self.type(CTRL_U)
        assert found.rstrip() == wanted

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


class Fish:
    """fish, asked what it offers. It takes what stands behind a colon for a file, too, and offers files."""

    def __init__(self, script, folder):
        self.script, self.folder = script, folder

    def completes(self, line, wanted):
        code = f"source {self.script}; complete -C '{line}'"
        out = subprocess.run(["fish", "--no-config", "-c", code], cwd=self.folder, check=True,
                             env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
                             stdout=subprocess.PIPE).stdout.decode()
        words = [word.split("\t")[0] for word in out.splitlines()]
        assert wanted.split(" ")[-1] in words, line
        assert len(words) == 1 or ":" in line, words

    def close(self):
        pass


def tar_with(path, name, document):
    data = json.dumps(document).encode()
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))


@pytest.fixture(name="folder")
def folder_with_references(tmp_path):
    def index(*tags):
        return {"manifests": [{"annotations": {"org.opencontainers.image.ref.name": tag}} for tag in tags]}
    folder = tmp_path / "home"
    (folder / "layout").mkdir(parents=True)
    (folder / "layout" / "oci-layout").write_text("{}")
    (folder / "layout" / "index.json").write_text(json.dumps(index("nightly", "app:1.4")))
    (folder / "subdirectory").mkdir()
    (folder / "rootfs.tar").write_bytes(b"")
    tar_with(folder / "oci.tar", "index.json", index("stable"))
    tar_with(folder / "saved.tar", "manifest.json", [
        {"RepoTags": ["one:1"], "Layers": []}, {"RepoTags": ["two:2", "zwei:2"], "Layers": []}])
    return folder


@pytest.fixture(name="shell", params=SHELLS)
def running_shell(request, command, tmp_path, folder):
    if shutil.which(request.param) is None:
        pytest.skip(missing(request.param))
    script = tmp_path / "script"
    script.write_bytes(command("completion", request.param).stdout)
    shell = Fish(script, folder) if request.param == "fish" else Terminal(request.param, script, folder)
    yield shell
    shell.close()


COMPLETED = {
    "a command": ("ins", "inspect"),
    "an option": ("push --allow-t", "push --allow-truncated"),
    "a codec": ("push --compress zstd-chunked:", "push --compress zstd-chunked:9"),
    "a codec behind an equals sign": ("push --compress=non", "push --compress=none"),
    "a codec with a level": ("cat --compress gzip:6", "cat --compress gzip:6"),
    "a choice": ("push --upload chu", "push --upload chunked"),
    "a choice behind an equals sign": ("push --progress=pl", "push --progress=plain"),
    "a value that can be left out": ("push --look-first=al", "push --look-first=always"),
    "true or false": ("push --tls-verify=f", "push --tls-verify=false"),
    "a file": ("push localhost/a:1 roo", "push localhost/a:1 rootfs.tar"),
    "a file of an option": ("push --config roo", "push --config rootfs.tar"),
    "a directory of an option": ("push --spool sub", "push --spool subdirectory/"),
    "a shell": ("completion zs", "completion zsh"),
    "a command to help with": ("help inde", "help index"),
    "a kind of reference": ("cat docker-a", "cat docker-archive:"),
    "a layout": ("cat oci:lay", "cat oci:layout:"),
    "a tag of a layout": ("cat oci:layout:ni", "cat oci:layout:nightly"),
    "a tag with a colon": ("cat oci:layout:app", "cat oci:layout:app:1.4"),
    "a layout as base": ("push --base oci:layout:ni", "push --base oci:layout:nightly"),
    "a layout as base behind an equals sign": ("push --base=oci:layout:ni", "push --base=oci:layout:nightly"),
    "a file of an archive": ("copy oci-archive:oc", "copy oci-archive:oci.tar"),
    "a tag in an archive": ("copy oci-archive:oci.tar:", "copy oci-archive:oci.tar:stable"),
    "a tag of docker save": ("copy docker-archive:saved.tar:z", "copy docker-archive:saved.tar:zwei:2"),
    "behind general options": ("-q --progress none cop", "-q --progress none copy"),
    "an option behind general options": ("-q copy --al", "-q copy --all"),
}


def test_a_shell_completes(shell):
    for line, wanted in COMPLETED.values():
        shell.completes("layerpipe " + line, "layerpipe " + wanted)


@pytest.mark.parametrize("name", SHELLS)
def test_script_has_all_options_and_valid_syntax(command, name):
    script = command("completion", name)
    assert script.returncode == 0
    for verb, options in OPTIONS.items():
        assert verb.encode() in script.stdout
        for option in options:
            assert option.encode() in script.stdout
    if shutil.which(name) is None:
        pytest.skip(missing(name))
    check = subprocess.run([name, "-n"], input=script.stdout, stderr=subprocess.PIPE, check=False)
    assert check.returncode == 0, check.stderr


def complete(command, line):
    """What bash completion offers for the last word."""
    script = command("completion", "bash").stdout.decode()
    # As bash divides a line into words.
    words = re.findall(r"[=:]|[^=: ]+", line) + ([""] if line.endswith(" ") else [])
    quoted = " ".join(f"'{word}'" for word in words)
    script += f"""
COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; COMP_LINE='{line}'; COMP_POINT={len(line)}
_layerpipe
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    out = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, check=True,
                         cwd=command.home).stdout
    return set(out.decode().split())


def test_bash_offers_all_matching_words(command):
    (command.home / "rootfs.tar").write_bytes(b"")
    (command.home / "folder").mkdir()
    assert complete(command, "layerpipe lo") == {"login", "logout"}
    assert complete(command, "layerpipe layer --al") == {"--allow-truncated", "--allow-empty", "--allow-odd-entries"}
    assert complete(command, "layerpipe completion ") == {"bash", "zsh", "fish"}
    assert complete(command, "layerpipe push --spool ") == {"folder"}
    assert complete(command, "layerpipe push --compress ") >= {"gzip", "zstd", "zstd-chunked", "estargz:9", "none"}
    assert complete(command, "layerpipe cat --compress z") == {"zstd", "zstd:9", "zstd:19"}
    assert complete(command, "layerpipe push --threads ") == set()
    assert complete(command, "layerpipe login ") == set()
    assert complete(command, "layerpipe push --upload=") == {"auto", "streamed", "chunked", "monolithic"}
    assert complete(command, "layerpipe cat ") == {"folder", "rootfs.tar", "oci:", "oci-archive:",
                                                   "docker-archive:", "null:"}


def test_bash_offers_general_options_before_the_command(command):
    assert complete(command, "layerpipe -") >= {"--quiet", "--verbose", "--progress"}
    assert complete(command, "layerpipe -q lo") == {"login", "logout"}
    assert complete(command, "layerpipe --progress pl") == {"plain"}
    assert complete(command, "layerpipe --progress=none -v lo") == {"login", "logout"}
    assert "--all" not in complete(command, "layerpipe -q push --al")
    assert "--allow-empty" in complete(command, "layerpipe -q push --al")
