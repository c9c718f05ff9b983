#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Peers side by side, interleaved, in one run: medians, ratios, CSV and an SVG.

Every contender reads the same tar from a pipe. Wall time, CPU seconds and peak memory are those of
the contender alone (the operating system's accounting), not of the `cat` that feeds it. A peer that
is not installed is reported as skipped; nothing is estimated.
"""
import argparse
import csv
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import inputs
import plot

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Contender:
    """One command line. `size` finds the output size in what it printed, where it tells."""

    def __init__(self, group, name, argv, size=None, env=None, before=None):
        self.group, self.name, self.argv = group, name, argv
        self.size, self.env, self.before = size, env or {}, before
        self.runs = []

    def run(self, path):
        if self.before:
            self.before()
        with tempfile.TemporaryFile() as out, subprocess.Popen(
                ["cat", path], stdout=subprocess.PIPE) as feed:
            start = time.monotonic()
            child = subprocess.Popen(self.argv, stdin=feed.stdout, stdout=out,
                                     stderr=subprocess.DEVNULL, env={**os.environ, **self.env})
            feed.stdout.close()
            _, status, usage = os.wait4(child.pid, 0)
            wall = time.monotonic() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != 0:
                raise RuntimeError(f"{self.name}: exit status {child.returncode}")
            out.seek(0)
            printed = out.read() if self.size == "json" or callable(self.size) else b""
            length = os.fstat(out.fileno()).st_size
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                "rss_mib": usage.ru_maxrss / 1024, "out": self.output_size(printed, length)}

    def output_size(self, printed, length):
        if self.size == "stdout":
            return length
        if self.size == "json":
            return json.loads(printed)["size"]
        return self.size(printed) if callable(self.size) else None


def tool(name):
    """A peer from PATH or Go's bin directory, or None."""
    return shutil.which(name) or shutil.which(name, path=os.path.expanduser("~/go/bin"))


def go_stream(scratch):
    """Builds the Go contender; None without Go."""
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if not go:
        return None
    binary = os.path.join(scratch, "gostream")
    source = os.path.join(ROOT, "bench", "gostream.go")
    done = subprocess.run([go, "build", "-o", binary, source], check=False,
                          stderr=subprocess.DEVNULL)
    return binary if done.returncode == 0 else None


def engine_contenders(layerpipe, scratch):
    """Stream to compressed bytes and both digests, nothing sent anywhere."""
    made, skipped = [], []

    def ours(group, compress):
        made.append(Contender(group, f"layerpipe {compress}", [
            layerpipe, "layer", "--json", "-q", "--raw", "--compress", compress, "null:"], "json"))

    def peer(group, label, argv, size="stdout"):
        path = argv[0] if os.path.isabs(argv[0] or "") else tool(argv[0] or "")
        if path and os.path.exists(path):
            made.append(Contender(group, label, [path, *argv[1:]], size))
        else:
            skipped.append(label)

    gostream = go_stream(scratch) or ""
    go_size = lambda printed: int(printed.split()[0])
    for level in (1, 6):
        ours(f"gzip {level}", f"gzip:{level}")
        peer(f"gzip {level}", f"Go stream gzip {level}",
             [gostream or "/nonexistent/go", str(level)], go_size)
        peer(f"gzip {level}", f"pigz -{level}", ["pigz", f"-{level}", "-c"])
    peer("gzip 1", "igzip -1", ["igzip", "-1", "-c"])
    peer("gzip 1", "gzip -1", ["gzip", "-1", "-c"])
    ours("zstd 3", "zstd:3")
    peer("zstd 3", "zstd -3 -T0", ["zstd", "-q", "-3", "-T0", "-c"])
    peer("zstd 3", "zstd -3", ["zstd", "-q", "-3", "-T1", "-c"])
    return made, skipped


class LocalRegistry:
    """Debian's docker-registry on a free loopback port, storage in a scratch directory."""

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
        """Every run starts with an empty registry, so that nothing is there already."""
        shutil.rmtree(self.storage, ignore_errors=True)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def registry_contenders(layerpipe, registry, scratch):
    """Stream to a registry or a layout on this machine."""
    made, skipped = [], []
    target = f"127.0.0.1:{registry.port}/bench"
    group = "to docker-registry"
    for mode in ("auto", "streamed", "chunked"):
        made.append(Contender(group, f"layerpipe push ({mode})", [
            layerpipe, "push", "-q", "--upload", mode, f"{target}:t"], before=registry.clear))
    if tool("crane"):
        made.append(Contender(group, "crane append -f -", [
            tool("crane"), "append", "--oci-empty-base", "-f", "-", "-t", f"{target}:t"],
            before=registry.clear))
    else:
        skipped.append("crane")
    if tool("regctl"):
        home = os.path.join(scratch, "regctl")
        os.makedirs(home, exist_ok=True)
        made.append(Contender(group, "regctl blob put", [
            tool("regctl"), "--host", f"reg=127.0.0.1:{registry.port},tls=disabled",
            "blob", "put", target], env={"HOME": home}, before=registry.clear))
    else:
        skipped.append("regctl")

    layout = os.path.join(scratch, "layout")

    def fresh_layout():
        shutil.rmtree(layout, ignore_errors=True)

    group = "to an OCI layout"
    made.append(Contender(group, "layerpipe push oci:", [
        layerpipe, "push", "-q", f"oci:{layout}:t"], before=fresh_layout))
    if tool("umoci"):
        def fresh_umoci():
            fresh_layout()
            subprocess.run([tool("umoci"), "init", "--layout", layout], check=True)
            subprocess.run([tool("umoci"), "new", "--image", f"{layout}:t"], check=True)
        made.append(Contender(group, "umoci raw add-layer", [
            tool("umoci"), "raw", "add-layer", "--image", f"{layout}:t", "/dev/stdin"],
            before=fresh_umoci))
    else:
        skipped.append("umoci")
    return made, skipped


def small_contenders(layerpipe, registry, scratch):
    """A 10 KB layer: what starting up and the requests cost."""
    target = f"127.0.0.1:{registry.port}/bench"
    made = [Contender("10 KB layer", "layerpipe push", [
        layerpipe, "push", "-q", f"{target}:t"], before=registry.clear)]
    if tool("crane"):
        made.append(Contender("10 KB layer", "crane append -f -", [
            tool("crane"), "append", "--oci-empty-base", "-f", "-", "-t", f"{target}:t"],
            before=registry.clear))
    return made, []


def measure(contenders, path, runs):
    for contender in contenders:
        contender.run(path)  # warm-up, not counted
    for _ in range(runs):
        for contender in contenders:
            contender.runs.append(contender.run(path))


def median(contender, key):
    values = [run[key] for run in contender.runs if run[key] is not None]
    return statistics.median(values) if values else None


def rows_of(contenders, input_name, input_size):
    """One row a contender; ratios are paired run by run against the first of its group."""
    rows, first = [], {}
    for contender in contenders:
        base = first.setdefault(contender.group, contender)
        ratios = [run["wall"] / ours["wall"] for run, ours in zip(contender.runs, base.runs)]
        cpu = [run["cpu"] / max(ours["cpu"], 1e-3) for run, ours in zip(contender.runs, base.runs)]
        walls = [run["wall"] for run in contender.runs]
        rows.append({
            "input": input_name, "input_bytes": input_size, "group": contender.group,
            "contender": contender.name, "runs": len(walls),
            "wall_median_s": round(statistics.median(walls), 4),
            "wall_min_s": round(min(walls), 4), "wall_max_s": round(max(walls), 4),
            "cpu_median_s": round(median(contender, "cpu"), 4),
            "peak_rss_mib": round(max(run["rss_mib"] for run in contender.runs), 1),
            "output_bytes": int(median(contender, "out") or 0) or "",
            "wall_ratio": round(statistics.median(ratios), 2),
            "cpu_ratio": round(statistics.median(cpu), 2),
        })
    return rows


def show(rows):
    for row in rows:
        out = f"{row['output_bytes'] / 1e6:8.1f} MB" if row["output_bytes"] else " " * 11
        print(f"  {row['contender']:<28}{row['wall_median_s']:9.3f} s wall {row['cpu_median_s']:8.3f}"
              f" s cpu {row['peak_rss_mib']:7.1f} MiB {out}   {row['wall_ratio']:6.2f} x wall"
              f" {row['cpu_ratio']:6.2f} x cpu", flush=True)


def bench(title, contenders, path, runs):
    size = os.path.getsize(path)
    print(f"{title} ({size / 1e6:.1f} MB), {runs} interleaved runs", flush=True)
    measure(contenders, path, runs)
    rows = rows_of(contenders, title, size)
    show(rows)
    return rows


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model.group(1) if model else 'unknown CPU'}, {os.cpu_count()} processors, " \
           f"Linux {os.uname().release}"


def openssl_speed():
    """SHA-256 of one stream, as openssl measures it: bytes a second."""
    done = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "-bytes", "1048576",
                           "-evp", "sha256"], capture_output=True, text=True, check=False)
    found = re.search(r"\+F:\d+:sha256:([\d.]+)", done.stdout, re.IGNORECASE)
    return float(found.group(1)) if found else None


def write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--tar", help="a rootfs tar to use in place of making one")
    parser.add_argument("--only", help="comma-separated: engine,shapes,registry,small")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs"), help="for bench.csv, bench.svg")
    parser.add_argument("--layerpipe", default=os.path.join(ROOT, "build", "layerpipe"))
    args = parser.parse_args()
    wanted = set((args.only or "engine,shapes,registry,small").split(","))

    with tempfile.TemporaryDirectory(prefix="layerpipe-bench-") as scratch:
        print(machine())
        speed = openssl_speed()
        if speed:
            print(f"openssl speed sha256: {speed / 1e9:.2f} GB/s")
        rows, skipped = [], []
        rootfs = args.tar or inputs.rootfs(scratch)
        engine, missing = engine_contenders(args.layerpipe, scratch)
        skipped += missing
        if "engine" in wanted:
            rows += bench("rootfs tar", engine, rootfs, args.runs)
        if "shapes" in wanted:
            for name, make in inputs.SHAPES.items():
                fresh, _ = engine_contenders(args.layerpipe, scratch)
                rows += bench(name, [c for c in fresh if c.group != "gzip 6"], make(scratch),
                              min(args.runs, 5))
        if wanted & {"registry", "small"}:
            if tool("docker-registry"):
                registry = LocalRegistry(scratch)
                try:
                    if "registry" in wanted:
                        made, missing = registry_contenders(args.layerpipe, registry, scratch)
                        skipped += missing
                        rows += bench("rootfs tar end to end", made, rootfs, args.runs)
                    if "small" in wanted:
                        made, _ = small_contenders(args.layerpipe, registry, scratch)
                        rows += bench("10 KB tar", made, inputs.small(scratch), max(args.runs, 15))
                finally:
                    registry.stop()
            else:
                skipped.append("docker-registry")
        if skipped:
            print("skipped (not installed): " + ", ".join(sorted(set(skipped))))
        os.makedirs(args.out, exist_ok=True)
        write_csv(rows, os.path.join(args.out, "bench.csv"))
        plot.write_svg(rows, machine(), os.path.join(args.out, "bench.svg"))
        print(f"written: {args.out}/bench.csv, {args.out}/bench.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
