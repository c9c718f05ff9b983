#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs layerpipe and other tools in turn and writes medians and ratios to docs/ (CSV, SVG, Markdown).

Wall time, CPU seconds and peak memory are those of the contender's process only, as the operating
system counts them. A tool that is not installed is listed as skipped; nothing is estimated.
"""
import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile

import inputs
import peers
import plot
import report
from contender import measure, rows_of, show

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PARTS = ["engine", "limit", "model", "lazy", "shapes", "registry", "cat", "small"]


def output_of(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    return f"{model.group(1) if model else 'unknown CPU'}, {os.cpu_count()} processors, " \
           f"Linux {os.uname().release}"


def openssl_speed():
    """Speed of SHA-256 for one stream, measured by openssl: bytes a second."""
    printed = output_of("openssl", "speed", "-mr", "-seconds", "1", "-bytes", "262144", "-evp",
                        "sha256")
    found = re.search(r"\+F:\d+:sha256:([\d.]+)", printed, re.IGNORECASE)
    return float(found.group(1)) if found else None


class Bench:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.tools = os.path.join(os.path.dirname(args.layerpipe), "bench")
        other = peers.OtherRelease(args.other) if args.other else None
        self.field = peers.Field(args.layerpipe, scratch, other)
        self.rows, self.limits, self.models = [], [], []

    def run(self, title, contenders, path, runs=None):
        size, runs = os.path.getsize(path), runs or self.args.runs
        print(f"{title} ({size / 1e6:.1f} MB), {runs} interleaved runs", flush=True)
        measure(contenders, path, runs, os.path.join(self.tools, "launch"))
        rows = rows_of(contenders, title, size)
        show(rows)
        self.rows += rows

    def limit(self, path):
        """Compares the pipeline with the sum of its parts."""
        for compress in ("gzip:1", "gzip:6", "zstd:3"):
            printed = output_of(os.path.join(self.tools, "engine_limit"), compress, "2",
                                str(self.args.runs), path)
            print(f"  {printed}", end="", flush=True)
            self.limits.append(dict(word.split("=") for word in printed.split()))

    def model(self, path):
        """The pipeline with a codec that sleeps, for more workers than this machine has processors."""
        for compress in ("gzip:1", "gzip:6"):
            printed = output_of(os.path.join(self.tools, "engine_model"), compress,
                                str(self.args.runs), path)
            print(printed, end="", flush=True)
            self.models += [dict(word.split("=") for word in line.split())
                            for line in printed.splitlines()]

    def shapes(self):
        for name, make in inputs.SHAPES.items():
            path = make(self.scratch)
            self.run(name, self.field.shapes(), path)
            os.unlink(path)

    def over_network(self, rootfs):
        with peers.LocalRegistry(self.scratch) as registry:
            if "registry" in self.args.only:
                self.run("rootfs tar, end to end",
                         self.field.registry(registry) + self.field.layout(), rootfs)
            if "cat" in self.args.only:
                self.run("rootfs tar, read back", self.field.read_back(registry, rootfs), rootfs)
            if "small" in self.args.only:
                self.run("10 KB tar", self.field.small(registry), inputs.small(self.scratch),
                         3 * self.args.runs)

    def all(self):
        rootfs = self.args.tar or inputs.rootfs(self.scratch)
        if "engine" in self.args.only:
            self.run("rootfs tar", self.field.engine(), rootfs)
        if "limit" in self.args.only:
            self.limit(rootfs)
        if "model" in self.args.only:
            self.model(rootfs)
        if "lazy" in self.args.only:
            self.run("rootfs tar, pulled lazily", self.field.lazy(), rootfs)
        if {"registry", "cat", "small"} & set(self.args.only):
            if peers.tool("docker-registry"):
                self.over_network(rootfs)
            else:
                self.field.skipped.add("docker-registry")
        if "shapes" in self.args.only:
            self.shapes()


def write_csv(rows, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--tar", help="use this tar of a root file system, do not make one")
    parser.add_argument("--other", metavar="DIRECTORY",
                        help="compare with the Debian release that bench/other_release has put there")
    parser.add_argument("--only", type=lambda text: text.split(","), default=PARTS,
                        help="comma-separated: " + ",".join(PARTS))
    parser.add_argument("--out", default=os.path.join(ROOT, "docs"),
                        help="directory for benchmarks.md, bench.csv, bench.svg")
    parser.add_argument("--layerpipe", default=os.path.join(ROOT, "build", "layerpipe"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="layerpipe-bench-") as scratch:
        bench = Bench(args, scratch)
        facts = {"machine": machine(), "load": os.getloadavg()[0], "sha256": openssl_speed(),
                 "versions": output_of(args.layerpipe, "version")}
        print(f"{facts['machine']}; openssl speed sha256: {(facts['sha256'] or 0) / 1e9:.2f} GB/s")
        bench.all()
    facts["skipped"] = sorted(bench.field.skipped)
    facts["release"] = output_of("sh", "-c", '. /etc/os-release; echo "Debian $VERSION_ID"').strip()
    facts["other"] = bench.field.other
    os.makedirs(args.out, exist_ok=True)
    if bench.rows:
        write_csv(bench.rows, os.path.join(args.out, "bench.csv"))
        plot.write_svg(bench.rows, facts["machine"], os.path.join(args.out, "bench.svg"))
        report.write(bench.rows, bench.limits, bench.models, facts,
                     os.path.join(args.out, "benchmarks.md"))
        print(f"written: {args.out}/benchmarks.md, bench.csv, bench.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
