# SPDX-License-Identifier: Apache-2.0
"""A process that may open few descriptors: the command fails at once, with the status and the words for
missing resources, however far it came."""
import subprocess

import pytest
from cli_support import error_line, is_sanitized

FEW = range(4, 20)


def run_with(command, limit, *args, data):
    script = f'ulimit -n {limit}; exec "$@"'
    return subprocess.run(["sh", "-c", script, "sh", command.path, *map(str, args)], input=data,
                          capture_output=True, check=False, timeout=30,
                          env=command.env)


@pytest.mark.skipif(is_sanitized(), reason="the sanitizers need descriptors themselves")
@pytest.mark.parametrize("verb", ["push", "layer", "inspect"])
def test_few_descriptors(verb, registry, command, run, tar_bytes):
    server = registry("d28")
    assert run("push", f"{server.host}/a:1", "-", input=tar_bytes).rc == 0
    arguments = {"push": ["-q", f"{server.host}/a:2", "-"], "layer": ["-q", f"{server.host}/a", "-"],
                 "inspect": [f"{server.host}/a:1"]}[verb]
    done = {limit: run_with(command, limit, verb, *arguments, data=tar_bytes) for limit in FEW}
    assert done[FEW[-1]].returncode == 0, done[FEW[-1]]
    for limit, result in done.items():
        if result.returncode != 0 and result.returncode != 127:
            assert result.returncode == 10, (limit, result)
            line = error_line(result)
            assert "descriptors" in line or "Too many open files" in line, (limit, line)
    assert any(result.returncode == 10 for result in done.values())
