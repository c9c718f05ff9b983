# SPDX-License-Identifier: Apache-2.0
"""Shared by the tests of credentials: credential files, credential helpers, and a search for a
secret in everything that a run wrote."""
import base64
import json
import os
import re
import shutil
import subprocess

import pytest
from cli_support import LIMIT_S, Result, environment_without_leak_check

# A password that occurs nowhere else. Inside of base64 it has one of three forms.
CANARY = "kAnaRy7Qz0pW3xV9mL5tR1dS8fG2hJ6"


def basic(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def encodings(secret, user="user"):
    """All forms of a secret: as plain text, and inside of base64 text at any offset."""
    found = {secret, basic(user, secret)}
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + secret.encode()).decode()
        found.add(text[4:len(text) - 4])
    return found


def assert_absent(text, secret, user="user"):
    for encoded in encodings(secret, user):
        assert encoded not in text, "a secret was shown"


def write_config(home, document, path=".docker/config.json"):
    file = home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def entry(user="user", password=CANARY):
    return {"auth": basic(user, password)}


class Helpers:
    """A directory of docker-credential-* programs that comes first in PATH."""

    def __init__(self, directory):
        self.directory = directory
        self.directory.mkdir()
        self.environment = {"PATH": f"{directory}:{os.environ['PATH']}"}

    def add(self, name, script):
        path = self.directory / f"docker-credential-{name}"
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)
        return path

    def keeper(self, name="keeper"):
        """Adds a helper that works. It stores one file per server, and answers "not found" for an
        unknown server."""
        store = self.directory / "store"
        store.mkdir(exist_ok=True)
        self.add(name, f'''
cd '{store}' || exit 1
echo "$1" >> ../calls
case $1 in
store)
    cat > new
    server=$(sed -n 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/p' new | tr / _)
    mv new "$server" ;;
get)
    read -r server
    file=$(printf %s "$server" | tr / _)
    if [ -f "$file" ]; then cat "$file"; else echo credentials not found in native keychain; exit 1; fi ;;
erase)
    read -r server
    file=$(printf %s "$server" | tr / _)
    if [ -f "$file" ]; then rm "$file"; else echo credentials not found in native keychain; exit 1; fi ;;
esac''')
        return store

    def calls(self):
        path = self.directory / "calls"
        return path.read_text().split() if path.exists() else []


# Runs under strace.

WRITES = re.compile(r"^\d+ +(write|sendto|sendmsg|writev|pwrite64)\((\d+)<(.*?)>, ?(.*)$")


def can_trace():
    """Whether strace works on this system."""
    path = shutil.which("strace")
    return path is not None and subprocess.run([path, "-o", "/dev/null", "/bin/true"], check=False,
                                               stderr=subprocess.DEVNULL).returncode == 0


class Trace:
    """The execve calls and all written bytes of a run and its children."""

    def __init__(self, path, result):
        self.result = result
        with open(path, encoding="utf-8", errors="replace") as file:
            self.lines = file.read().splitlines()
        assert self.lines, "strace has seen nothing"

    def programs(self):
        return [line for line in self.lines if "execve(" in line]

    def writes(self):
        """(file, bytes as text) of each write. The file is named as in /proc/PID/fd."""
        found = []
        for line in self.lines:
            match = WRITES.match(line)
            if match:
                found.append((match[3], match[4]))
        return found

    def files_that_got(self, secret, user="user"):
        """The files, pipes and sockets that the secret was written to."""
        return {target for target, text in self.writes()
                if any(encoded in text for encoded in encodings(secret, user))}


def traced(command, tmp_path, *args, env=None, **options):
    """Runs the command under strace."""
    if not can_trace():
        pytest.skip("strace may not trace here")
    path = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-y", "-s", "1000000", "-v", "-o", str(path),
         "-e", "trace=write,sendto,sendmsg,writev,pwrite64,execve", command.path,
         *map(str, args)], env=environment_without_leak_check({**command.env, **(env or {})}), timeout=LIMIT_S, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    return Trace(path, Result(done))
