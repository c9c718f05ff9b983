# SPDX-License-Identifier: Apache-2.0
"""The contenders of each comparison. A tool that is not installed is skipped and listed."""
import json
import os
import re
import shutil
import socket
import subprocess
import time

from contender import Contender

BENCH = os.path.dirname(os.path.abspath(__file__))


def tool(name):
    """Path of a tool in PATH or in Go's bin directory, or None."""
    return shutil.which(name) or shutil.which(name, path=os.path.expanduser("~/go/bin"))


def go_stream(scratch):
    """Builds the Go contender and returns its path; None if Go is not installed."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if not go:
        return None
    binary = os.path.join(scratch, "gostream")
    done = subprocess.run([go, "build", "-o", binary, os.path.join(BENCH, "gostream.go")],
                          check=False, stderr=subprocess.DEVNULL)
    return binary if done.returncode == 0 else None


class OtherRelease:
    """A directory that bench/other_release has made: another Debian release, with layerpipe built
    in it. Its programs run in it, on the same kernel and with the same input."""

    def __init__(self, root):
        self.root = root
        with open(os.path.join(root, "etc", "os-release"), encoding="utf-8") as file:
            version = re.search(r'^VERSION_ID="?([^"\n]+)', file.read(), re.MULTILINE)
        self.name = f"Debian {version.group(1)}"
        self.versions = subprocess.run(self.inside("/usr/local/bin/layerpipe", "version"), check=True,
                                       stdout=subprocess.PIPE, text=True).stdout

    def inside(self, *argv):
        return ["/usr/sbin/chroot", self.root, *argv]


class Field:
    """Collects contenders, and the names of tools that are not installed."""

    def __init__(self, layerpipe, scratch, other=None):
        self.layerpipe, self.scratch, self.other = layerpipe, scratch, other
        self.go = go_stream(scratch)
        self.skipped = set()
        self.made = []

    def take(self):
        made, self.made = self.made, []
        return made

    def ours(self, group, compress, *more, name=None):
        arguments = ["layer", "--json", "-q", "--raw", "--compress", compress, *more, "null:"]
        name = name or f"layerpipe {compress}"
        self.made.append(Contender(group, name, [self.layerpipe, *arguments], "json"))
        if self.other:
            self.made.append(Contender(group, f"{name}, {self.other.name}", self.other.inside(
                "/usr/local/bin/layerpipe", *arguments), "json"))

    def peer(self, group, name, *arguments):
        path, shown = tool(name), " ".join([name, *arguments])
        if path:
            self.made.append(Contender(group, shown, [path, *arguments, "-c"], "stdout"))
        else:
            self.skipped.add(name)
        if self.other and name == "zstd":
            self.made.append(Contender(group, f"{shown}, {self.other.name}",
                                       self.other.inside(name, *arguments, "-c"), "stdout"))

    def go_gzip(self, group, level):
        if self.go:
            self.made.append(Contender(group, f"Go stream gzip {level}", [self.go, str(level)],
                                       lambda printed: int(printed.split()[0])))
        else:
            self.skipped.add("go")

    def engine(self):
        """Compression without upload. layerpipe and Go also compute both digests; the other tools
        compute no SHA-256."""
        for level in (1, 6):
            group = f"gzip {level}"
            self.ours(group, f"gzip:{level}")
            self.go_gzip(group, level)
            self.peer(group, "pigz", f"-{level}")
            if level == 1:
                self.peer(group, "igzip", "-1")
                self.peer(group, "gzip", "-1")
            else:
                self.ours(group, "gzip:6", "--threads", "1", name="layerpipe gzip:6, 1 thread")
        self.ours("zstd 3", "zstd:3")
        self.go_gzip("zstd 3", 1)
        self.peer("zstd 3", "zstd", "-q", "-3", "-T0")
        self.peer("zstd 3", "zstd", "-q", "-1", "-T0")
        self.ours("none", "none")
        return self.take()

    def shapes(self):
        self.ours("gzip 1", "gzip:1")
        self.go_gzip("gzip 1", 1)
        self.peer("gzip 1", "pigz", "-1")
        self.ours("zstd 3", "zstd:3")
        self.peer("zstd 3", "zstd", "-q", "-3", "-T0")
        return self.take()

    def judge(self, name, tags="", cgo=False):
        """A program of tests/judge, or None if it cannot be built here."""
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        binary = os.path.join(self.scratch, name)
        if go and not os.path.exists(binary):
            subprocess.run([go, "build", "-mod=readonly", "-tags", tags, "-o", binary, "."],
                           cwd=os.path.join(BENCH, "..", "tests", "judge", name), check=False,
                           env={**os.environ, "CGO_ENABLED": "01"[cgo]}, stderr=subprocess.DEVNULL)
        if os.path.exists(binary):
            return binary
        self.skipped.add(name + " (upstream's library)")
        return None

    def lazy(self):
        """Layers with a table of contents, against the libraries that other programs use (those of
        ctr-remote, podman and soci, without their daemons), and against our codec without a table."""
        judge = self.judge("tocjudge", "exclude_graphdriver_btrfs,exclude_graphdriver_devicemapper,"
                                       "containers_image_openpgp")
        for group, plain, ours, build in (
                ("estargz 1", "gzip:1", "estargz:1", ["build-estargz", "1"]),
                ("estargz 6", "gzip:6", "estargz:6", ["build-estargz", "6"]),
                ("zstd-chunked 3", "zstd:3", "zstd-chunked:3", ["build-zstd-chunked", "3"])):
            for compress in (ours, plain):
                self.made.append(Contender(group, f"layerpipe {compress}", [
                    self.layerpipe, "layer", "--json", "-q", "--compress", compress, "null:"], "json"))
            if judge:
                library = "estargz.Build" if "estargz" in group else "containers/storage chunked"
                self.made.append(Contender(group, f"{library}, level {build[1]}", [judge, *build],
                                           "json"))
        self.soci()
        return self.take()

    def soci(self):
        """A SOCI index in the pass that compresses, against pigz and then soci's builder."""
        group, file = "SOCI, gzip 1", os.path.join(self.scratch, "soci.gz")
        judge = self.judge("ztocjudge", cgo=True)
        for name, more in (("layerpipe push --soci", ["--soci"]), ("layerpipe push", [])):
            self.made.append(Contender(group, name, [self.layerpipe, "push", "-q", *more, "null:"]))
        if judge and tool("pigz"):
            self.made.append(Contender(group, "pigz -1, then soci's ztoc builder", [
                "sh", "-ec", f"pigz -1 -c >{file}; {judge} build {file}"], "json"))
        elif judge:
            self.skipped.add("pigz")

    def push(self, registry, group, *modes):
        target = f"127.0.0.1:{registry.port}/bench"

        def add(name, argv, env=None):
            self.made.append(Contender(group, name, argv, env=env, before=registry.clear,
                                       feed="pipe", server=registry.cpu_seconds))

        for mode in modes:
            add(f"layerpipe push ({mode})",
                [self.layerpipe, "push", "-q", "--upload", mode, f"{target}:t"])
        if tool("crane"):
            add("crane append -f -", [tool("crane"), "append", "--oci-empty-base", "-f", "-", "-t",
                                      f"{target}:t"])
        else:
            self.skipped.add("crane")
        return target, add

    def registry(self, registry):
        """Pushes a stream as an image to a registry on this machine."""
        target, add = self.push(registry, "to docker-registry", "auto", "streamed", "chunked")
        if tool("umoci") and tool("skopeo"):
            layout = os.path.join(self.scratch, "two-steps")
            add("umoci + skopeo copy", ["sh", "-ec", f"""
                rm -rf {layout}; umoci init --layout {layout}; umoci new --image {layout}:t
                umoci raw add-layer --image {layout}:t /dev/stdin
                skopeo copy -q --dest-tls-verify=false oci:{layout}:t docker://{target}:t"""])
        else:
            self.skipped.update(name for name in ("umoci", "skopeo") if not tool(name))
        if tool("regctl"):
            home = os.path.join(self.scratch, "regctl")
            os.makedirs(home, exist_ok=True)
            add("regctl blob put (not compressed)",
                [tool("regctl"), "--host", f"reg=127.0.0.1:{registry.port},tls=disabled", "blob",
                 "put", target], {"HOME": home})
        else:
            self.skipped.add("regctl")
        return self.take()

    def read_back(self, registry, rootfs):
        """Reads an image with one gzip layer from the registry and decompresses it. layerpipe computes
        the digests of both; curl and gzip compute none."""
        target = f"127.0.0.1:{registry.port}/bench:t"
        group = "from docker-registry"
        subprocess.run([self.layerpipe, "push", "-q", target, rootfs], check=True,
                       stdout=subprocess.DEVNULL)
        shown = subprocess.run([self.layerpipe, "inspect", "--json", target], check=True,
                               stdout=subprocess.PIPE).stdout
        layer = json.loads(shown)["manifest"]["layers"][0]["digest"]
        blob = f"http://127.0.0.1:{registry.port}/v2/bench/blobs/{layer}"

        def add(name, argv):
            self.made.append(Contender(group, name, argv, "stdout", server=registry.cpu_seconds))

        add("layerpipe cat --layer 1", [self.layerpipe, "cat", "-q", "--layer", "1", target])
        add("layerpipe cat", [self.layerpipe, "cat", "-q", target])
        add("curl | gzip -dc", ["sh", "-c", f"curl -s {blob} | gzip -dc"])
        if tool("crane"):
            add("crane export", [tool("crane"), "export", "--insecure", target, "-"])
        else:
            self.skipped.add("crane")
        return self.take()

    def small(self, registry):
        """Pushes a 10 KB layer: the time for starting the process and for the requests."""
        self.push(registry, "10 KB layer", "auto")
        return self.take()

    def layout(self):
        """Writes a stream as an image to an OCI layout."""
        layout = os.path.join(self.scratch, "layout")

        def fresh():
            shutil.rmtree(layout, ignore_errors=True)

        def fresh_umoci():
            fresh()
            subprocess.run([tool("umoci"), "init", "--layout", layout], check=True)
            subprocess.run([tool("umoci"), "new", "--image", f"{layout}:t"], check=True)

        self.made.append(Contender("to an OCI layout", "layerpipe push oci:", [
            self.layerpipe, "push", "-q", f"oci:{layout}:t"], before=fresh, feed="pipe"))
        if tool("umoci"):
            self.made.append(Contender("to an OCI layout", "umoci raw add-layer", [
                tool("umoci"), "raw", "add-layer", "--image", f"{layout}:t", "/dev/stdin"],
                before=fresh_umoci, feed="pipe"))
        else:
            self.skipped.add("umoci")
        return self.take()


class LocalRegistry:
    """Debian's docker-registry on a free loopback port, with storage in the scratch directory."""

    def __init__(self, scratch):
        self.storage = os.path.join(scratch, "registry")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = os.path.join(scratch, "registry.yml")
        with open(config, "w", encoding="ascii") as file:
            file.write("version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\n"
                       f"storage: {{filesystem: {{rootdirectory: {self.storage}}}}}\n"
                       f"http: {{addr: 127.0.0.1:{self.port}, secret: bench}}\n")
        self.process = subprocess.Popen([tool("docker-registry"), "serve", config],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError("docker-registry did not start")

    def clear(self):
        """Empties the registry before a run, so that no blob exists already."""
        shutil.rmtree(self.storage, ignore_errors=True)

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
