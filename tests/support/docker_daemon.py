# SPDX-License-Identifier: Apache-2.0
"""A Docker daemon with its data in a directory of its own and without a network, for docker load and
docker save. It needs root; no container runs in it."""
import os
import shutil
import subprocess
import tempfile

import pytest
from cli_support import wait_until

PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


class DockerDaemon:
    """Skips the test where it does not start: it needs rights that a sandbox may not give."""

    def __init__(self):
        if os.geteuid() != 0:
            pytest.skip("a Docker daemon needs root")
        for program in ("docker", "dockerd", "containerd"):
            if shutil.which(program, path=PATH) is None:
                pytest.skip(f"{program} is not installed (package docker.io)")
        self.directory = tempfile.mkdtemp(prefix="lp", dir="/tmp")  # sockets need a short path
        self.host = f"unix://{self.directory}/docker.sock"
        with open(f"{self.directory}/log", "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--host", self.host, "--data-root", f"{self.directory}/data",
                 "--exec-root", f"{self.directory}/exec", "--pidfile", f"{self.directory}/pid",
                 "--storage-driver", "vfs", "--bridge", "none", "--iptables=false",
                 "--ip-forward=false"], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={"PATH": PATH, "HOME": self.directory})
        wait_until(lambda: self.process.poll() is not None or self._run("version").returncode == 0)
        if self.process.poll() is not None:
            with open(f"{self.directory}/log", encoding="utf-8") as log:
                last = log.read().splitlines()[-1]
            self.stop()
            pytest.skip(f"no Docker daemon starts here: {last}")

    def _run(self, *words, **options):
        return subprocess.run(["docker", "--host", self.host, *words], capture_output=True,
                              check=False, env={"PATH": PATH, "HOME": self.directory}, **options)

    def __call__(self, *words, **options):
        """Returns what docker printed."""
        done = self._run(*words, **options)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def image_id(self, name):
        return self("image", "inspect", "--format", "{{.Id}}", name).decode().strip()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
