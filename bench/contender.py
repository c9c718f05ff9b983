# SPDX-License-Identifier: Apache-2.0
"""Runs command lines repeatedly, measures their time and memory, and compares them."""
import json
import os
import statistics
import subprocess
import tempfile


class Contender:
    """A command line that takes part. `size` says how to find the size of its output: "stdout" (the
    size of what it prints), "json" (member "size" of what it prints), a function of what it prints, or
    None (unknown). `before` is called before each run and restores the initial state. `feed` is
    "file" or "pipe": the kind of its standard input. `server` returns the CPU seconds that a server
    has used so far."""

    def __init__(self, group, name, argv, size=None, env=None, before=None, feed="file",
                 server=lambda: 0):
        self.group, self.name, self.argv = group, name, argv
        self.size, self.env, self.before, self.feed = size, env or {}, before, feed
        self.server = server
        self.runs = []

    def run(self, path, launch):
        if self.before:
            self.before()
        with tempfile.NamedTemporaryFile() as report, tempfile.TemporaryFile() as out, \
                open(path, "rb") as file:
            argv, stdin, cat = [launch, report.name, *self.argv], file, None
            others = -self.server()
            if self.feed == "pipe":
                cat = subprocess.Popen(["cat"], stdin=file, stdout=subprocess.PIPE)
                stdin = cat.stdout
            done = subprocess.run(argv, stdin=stdin, stdout=out, stderr=subprocess.PIPE,
                                  env={**os.environ, **self.env}, check=False)
            if cat:
                cat.stdout.close()
                usage = os.wait4(cat.pid, 0)[2]
                cat.returncode = 0
                others += usage.ru_utime + usage.ru_stime
            others += self.server()
            if done.returncode != 0:
                raise RuntimeError(f"{self.name}: exit status {done.returncode}: {done.stderr}")
            wall, cpu, rss = open(report.name, encoding="ascii").read().split()
            return {"wall": float(wall), "cpu": float(cpu), "others": others,
                    "rss_mib": int(rss) / 1024, "out": self.output_size(out)}

    def output_size(self, out):
        if self.size is None:
            return None
        if self.size == "stdout":
            return os.fstat(out.fileno()).st_size
        out.seek(0)
        return json.load(out)["size"] if self.size == "json" else self.size(out.read())

    def median(self, key):
        return statistics.median(run[key] for run in self.runs)


def measure(contenders, path, runs, launch):
    """Runs all contenders once without counting, then in turn, so that other load on the machine
    affects all of them."""
    for contender in contenders:
        contender.run(path, launch)
    for _ in range(runs):
        for contender in contenders:
            contender.runs.append(contender.run(path, launch))


def ratio(one, other, key="wall"):
    """The figure of `one` divided by that of `other`: the median of the ratios of the single runs."""
    return statistics.median(a[key] / max(b[key], 1e-3) for a, b in zip(one.runs, other.runs))


def rows_of(contenders, input_name, input_size):
    """One row for each contender, with its ratios to the first contender of its group."""
    rows, first = [], {}
    for contender in contenders:
        base = first.setdefault(contender.group, contender)
        walls = [run["wall"] for run in contender.runs]
        rows.append({
            "input": input_name, "input_bytes": input_size, "group": contender.group,
            "contender": contender.name, "runs": len(walls),
            "wall_median_s": round(statistics.median(walls), 4),
            "wall_min_s": round(min(walls), 4), "wall_max_s": round(max(walls), 4),
            "cpu_median_s": round(contender.median("cpu"), 4),
            "others_cpu_median_s": round(contender.median("others"), 4),
            "peak_rss_mib": round(max(run["rss_mib"] for run in contender.runs), 1),
            "output_bytes": int(contender.median("out")) if contender.size else "",
            "wall_ratio": round(ratio(contender, base), 2),
            "cpu_ratio": round(ratio(contender, base, "cpu"), 2),
        })
    return rows


def show(rows):
    for row in rows:
        out = f"{row['output_bytes'] / 1e6:8.1f} MB" if row["output_bytes"] else " " * 11
        print(f"  {row['contender']:<34}{row['wall_median_s']:9.3f} s wall {row['cpu_median_s']:8.3f}"
              f" s cpu {row['peak_rss_mib']:7.1f} MiB {out}   {row['wall_ratio']:6.2f} x wall"
              f" {row['cpu_ratio']:6.2f} x cpu", flush=True)
