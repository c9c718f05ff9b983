# SPDX-License-Identifier: Apache-2.0
"""Writes docs/benchmarks.md: the goals and whether they were reached, then all rows."""
import os

ROOTFS, PUSHED, SMALL = "rootfs tar", "rootfs tar, end to end", "10 KB tar"
LAZY = "rootfs tar, pulled lazily"
READ_BACK = "rootfs tar, read back"
RANDOM, ZEROS = "1 GiB random", "1 GiB zeros"
ZSTD = "zstd -q -3 -T0"
BAR = 50
NOTES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "notes.md")
HEAD = """# Benchmarks

Written by `make bench`. All contenders get the same input and run in turn. A row shows medians; a ratio is
the median of the ratios of the single runs. "CPU" and "peak" are CPU time and peak memory of the
contender's own process; "others" is the CPU time of the registry and of the program that writes into the
pipe. Contenders that only compress read a file; contenders that push read a pipe. The Go contender
(`bench/gostream.go`) does the same work as go-containerregistry's stream layer with the same packages:
SHA-256 of the input, gzip, SHA-256 of the output.

![Wall times](bench.svg)

"""


class Results:
    def __init__(self, rows, limits):
        self.rows = {(row["input"], row["contender"], row["group"]): row for row in rows}
        self.limits = {limit["compress"]: limit for limit in limits}

    def row(self, source, name, group=None):
        for (one, other, kind), row in self.rows.items():
            if one == source and other == name and group in (None, kind):
                return row
        return None

    def times(self, source, slow, fast, key="wall_median_s", group=None):
        """The figure of `slow` divided by the figure of `fast`; None if one is missing."""
        one, other = self.row(source, slow, group), self.row(source, fast, group)
        return one[key] / other[key] if one and other else None


def at_least(value, goal, unit="x"):
    return None if value is None else (f"≥ {goal} {unit}", f"{value:.2f} {unit}", value >= goal)


def at_most(value, goal, unit="x"):
    return None if value is None else (f"≤ {goal} {unit}", f"{value:.2f} {unit}", value <= goal)


def size_of(results, name, group=None):
    row = results.row(ROOTFS, name, group)
    return row["output_bytes"] / 1e6 if row else None


def go_size(results, level, group=None):
    return size_of(results, f"Go stream gzip {level}", group)


def limit_of(results, compress, goal):
    limit = results.limits.get(compress)
    return None if limit is None else at_most(float(limit["wall"]) / float(limit["limit"]), goal)


def against_zstd(results, source, goal):
    return at_most(results.times(source, "layerpipe zstd:3", ZSTD, group="zstd 3"), goal)


def peak_of(row, goal):
    return at_most(row["peak_rss_mib"] if row else None, goal, "MiB")


def smaller(results, ours, level):
    made, go = size_of(results, ours), go_size(results, level)
    return None if made is None or go is None else at_most(made, round(go, 1), "MB")


def sha_part(results, facts):
    row = results.row(ROOTFS, "layerpipe none")
    if row is None or not facts["sha256"]:
        return None
    return at_least(row["input_bytes"] / row["wall_median_s"] / facts["sha256"], 0.9)


def lazy_goals(results):
    """Layers with a table of contents: against the library of the program that usually makes them, and
    against our codec without a table."""
    for group, ours, plain, library in (
            ("estargz 1", "layerpipe estargz:1", "layerpipe gzip:1", "estargz.Build, level 1"),
            ("estargz 6", "layerpipe estargz:6", "layerpipe gzip:6", "estargz.Build, level 6"),
            ("zstd-chunked 3", "layerpipe zstd-chunked:3", "layerpipe zstd:3",
             "containers/storage chunked, level 3"),
            ("SOCI, gzip 1", "layerpipe push --soci", "layerpipe push",
             "pigz -1, then soci's ztoc builder")):
        yield f"{group} against `{library}`", at_least(
            results.times(LAZY, library, ours, group=group), 5)
        yield f"{group} against the codec without a table", at_most(
            results.times(LAZY, ours, plain, group=group), 1.3)


def goals(results, facts):
    go1, go6 = "Go stream gzip 1", "Go stream gzip 6"
    push, crane = "layerpipe push (auto)", "crane append -f -"
    zstd, its = size_of(results, "layerpipe zstd:3"), size_of(results, ZSTD)
    return [
        ("gzip 1 against Go's stream", at_least(results.times(ROOTFS, go1, "layerpipe gzip:1"), 6)),
        ("gzip 1: size of the output", smaller(results, "layerpipe gzip:1", 1)),
        ("gzip 6 against Go's stream",
         at_least(results.times(ROOTFS, go6, "layerpipe gzip:6"), 4.5)),
        ("gzip 6: size of the output", smaller(results, "layerpipe gzip:6", 6)),
        (f"zstd 3 against `{ZSTD}`", against_zstd(results, ROOTFS, 1)),
        ("zstd 3: size of the output",
         None if zstd is None or its is None else at_most(zstd, round(its, 1), "MB")),
        (f"zstd 3 against `{ZSTD}`, random bytes", against_zstd(results, RANDOM, 1.25)),
        (f"zstd 3 against `{ZSTD}`, zeros", against_zstd(results, ZEROS, 1.25)),
        ("zstd 3: peak memory", peak_of(results.row(ROOTFS, "layerpipe zstd:3"), 24)),
        ("gzip 1: wall against the sum of its parts", limit_of(results, "gzip:1", 0.95)),
        ("gzip 6: wall against the sum of its parts", limit_of(results, "gzip:6", 1.05)),
        ("zstd 3: wall against the sum of its parts", limit_of(results, "zstd:3", 1.05)),
        ("gzip 6: two threads against one", at_least(
            results.times(ROOTFS, "layerpipe gzip:6, 1 thread", "layerpipe gzip:6"), 1.8)),
        ("no codec: speed against `openssl speed` of SHA-256", sha_part(results, facts)),
        ("to docker-registry, against crane", at_least(results.times(PUSHED, crane, push), 4.5)),
        ("to docker-registry, CPU time against crane",
         at_most(results.times(PUSHED, push, crane, "cpu_median_s"), 0.33)),
        ("cat of a gzip layer, against `crane export`",
         at_least(results.times(READ_BACK, "crane export", "layerpipe cat --layer 1"), 2)),
        ("cat of a gzip layer, against `curl | gzip -dc`",
         at_least(results.times(READ_BACK, "curl | gzip -dc", "layerpipe cat --layer 1"), 1)),
        ("chunked against streamed upload", at_most(
            results.times(PUSHED, "layerpipe push (chunked)", "layerpipe push (streamed)"), 1.0)),
        ("peak memory, streamed, default threads",
         peak_of(results.row(PUSHED, "layerpipe push (streamed)"), 16)),
        ("a 10 KB layer, wall against crane", at_most(results.times(SMALL, push, crane), 0.5)),
        *lazy_goals(results),
    ]


def goal_lines(results, facts):
    yield "| what | goal | measured | |"
    yield "|---|---|---|---|"
    for what, found in goals(results, facts):
        if found is None:
            yield f"| {what} | | not measured: a contender is missing | |"
        else:
            goal, value, reached = found
            yield f"| {what} | {goal} | {value} | {'reached' if reached else '**not reached**'} |"


def limit_lines(limits):
    yield "CPU seconds of each part alone, their sum divided by two threads (limit), and the wall time of"
    yield "the pipeline. The parts' SHA-256 is OpenSSL's, one digest after the other; the pipeline computes"
    yield "both at once, so it can be faster than the sum:"
    yield ""
    yield "| | reading | both SHA-256 | codec | limit | wall | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for row in limits:
        yield (f"| {row['compress']} | {row['read']} s | {row['hashes']} s | {row['codec']} s | "
               f"{row['limit']} s | {row['wall']} s | "
               f"{float(row['wall']) / float(row['limit']):.2f} |")


def model_lines(models):
    yield "The pipeline for more workers than this machine has processors. It computes both digests, but its"
    yield "codec sleeps for the time that a block takes, instead of compressing it. The limit is one SHA-256"
    yield "of the input in one thread, or, if that is slower, codec and both SHA-256 divided by the workers."
    yield f"One `#` is a part of {100 // BAR} % of one SHA-256 stream."
    for compress in dict.fromkeys(row["compress"] for row in models):
        yield ""
        yield "```"
        yield f"{compress}  workers    MB/s   limit  reached"
        for row in models:
            if row["compress"] == compress:
                speed, limit, sha = (float(row[key]) for key in ("speed", "limit", "sha256"))
                bar = "#" * round(BAR * speed / sha) + "." * round(BAR * (limit - speed) / sha)
                yield f"{row['workers']:>15} {speed:7.0f} {limit:7.0f} {100 * speed / limit:7.0f} % {bar}"
        yield "```"


def ratio_cell(slow, fast):
    return f"{slow['wall_median_s'] / fast['wall_median_s']:.2f} x" if slow and fast else ""


def release_cells(results, source, row, suffix):
    """Wall, CPU, peak, output, and the ratios to the Go contender and to the release's own zstd."""
    level = row["group"].split()[-1]
    go = results.row(source, f"Go stream gzip {level}") if row["group"].startswith("gzip") else None
    zstd = results.row(source, ZSTD + suffix) if row["group"] == "zstd 3" else None
    return [f"{row['wall_median_s']:.3f} s", f"{row['cpu_median_s']:.3f} s",
            f"{row['peak_rss_mib']:.1f} MiB", f"{row['output_bytes'] / 1e6:.2f} MB",
            ratio_cell(go, row) or ratio_cell(row, zstd)]


def release_lines(results, facts):
    """The same source built with the libraries of two releases, in the same interleaved runs."""
    other = facts["other"]
    yield f"The same source with the libraries of {facts['release']} (above) and of {other.name}:"
    yield from ["", "```", other.versions.rstrip(), "```", ""]
    yield f"| | release | wall | CPU | peak | output | Go ÷ ours; ours ÷ `{ZSTD}` |"
    yield "|---|---|---|---|---|---|---|"
    for (source, name, _), row in results.rows.items():
        second = results.row(source, f"{name}, {other.name}", row["group"])
        if second and name.startswith("layerpipe"):
            for release, one, suffix in ((facts["release"], row, ""),
                                         (other.name, second, f", {other.name}")):
                cells = release_cells(results, source, one, suffix)
                yield f"| {source}: {name} | {release} | " + " | ".join(cells) + " |"


def row_lines(rows):
    panel = None
    for row in rows:
        if (row["input"], row["group"]) != panel:
            panel = (row["input"], row["group"])
            yield ""
            yield f"### {row['input']} ({row['input_bytes'] / 1e6:.1f} MB): {row['group']}"
            yield ""
            yield (f"| {row['runs']} runs | wall | min – max | CPU | others | peak | output | "
                   "wall ratio | CPU ratio |")
            yield "|---|---|---|---|---|---|---|---|---|"
        out = f"{row['output_bytes'] / 1e6:.1f} MB" if row["output_bytes"] else ""
        others = f"{row['others_cpu_median_s']:.3f} s" if row["others_cpu_median_s"] else ""
        yield (f"| {row['contender']} | {row['wall_median_s']:.3f} s | {row['wall_min_s']:.3f} – "
               f"{row['wall_max_s']:.3f} | {row['cpu_median_s']:.3f} s | {others} | "
               f"{row['peak_rss_mib']:.1f} MiB | {out} | {row['wall_ratio']:.2f} | "
               f"{row['cpu_ratio']:.2f} |")


def write(rows, limits, models, facts, path):
    results = Results(rows, limits)
    with open(NOTES, encoding="utf-8") as file:
        notes = file.read()
    sha = f"{facts['sha256'] / 1e9:.2f} GB/s" if facts["sha256"] else "not known"
    missing = ", ".join(facts["skipped"]) or "none"
    lines = [f"Machine: {facts['machine']}; one SHA-256 stream by `openssl speed`: {sha}. Load average "
             f"of the machine at the start: {facts['load']:.1f} (ratios are reliable on "
             f"an idle machine only). Contenders that were not installed: {missing}.", "", "```", facts["versions"].rstrip(), "```", "",
             "## Goals", "", *goal_lines(results, facts), "", notes.rstrip(), "",
             "## The pipeline and its parts", "", *limit_lines(limits), "", "## More processors", "", *model_lines(models),
             ""]
    if facts["other"]:
        lines += ["## Two releases of Debian", "", *release_lines(results, facts), ""]
    lines += ["## All rows", *row_lines(rows), ""]
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEAD + "\n".join(lines))
