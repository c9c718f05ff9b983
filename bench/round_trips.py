#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Counts the requests and round trips of pushes by layerpipe and other tools, and measures their wall
time over a distance. Writes docs/round-trips.md. The registry is that of tests/registry, which waits for
one round trip when a connection is made and before each answer. Run it on an idle machine."""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests"), os.path.join(ROOT, "tests", "support")]

from image_support import make_tar  # noqa: E402
from registry import Auth, Registry  # noqa: E402
from round_trips import depth  # noqa: E402
from wire_support import noise  # noqa: E402

PAGE = os.path.join(ROOT, "docs", "round-trips.md")
FIXED_TIME = "with a fixed time"
AGAIN = ["the same again", "the same under another tag"]
KINDS = ["a small image", FIXED_TIME, *AGAIN, "with a token"]
HEAD = """# Round trips

Written by `bench/round_trips.py`. Each tool pushes an image with one layer of 10 KB to a registry that is
{rtt} ms away. "Requests" is what the registry received. "Round trips" is the number of those that had to
follow one another, with the TCP handshake; each costs the distance once. "Wall" is the median of {runs}
interleaved runs of the whole process. `tests/wire/test_round_trips.py` holds layerpipe to these numbers.

The distance is simulated on loopback: the test registry (`tests/registry`) waits {rtt} ms when a connection is
made and before each answer. TLS would add one round trip for each connection to all tools. `oras` and
`regctl` push the file as an artifact; `skopeo` copies a layout that holds the compressed image. "With a
token" is the first push to a registry that wants an anonymous token. layerpipe gets `--created` "with a fixed
time", and where the image is pushed again.

"""
EXPLAINED = """
## What layerpipe sends

A small image, the first time: POST for the layer and for the config, side by side on two connections; PUT of
both; PUT of the manifest. With the handshake these are four round trips. Most registries answer a POST that has
the bytes with a session, as if it had none, so POST and PUT stay two.

- The config has the present time, so it cannot be there, and no HEAD asks for it. The layer is probably new, and
  so small that to send it again takes hardly longer than HEAD.
- With a fixed time (`--created`, `SOURCE_DATE_EPOCH`) the same image may be there. Then HEAD of both blobs is sent
  first and POST only for a blob that is missing, which is one round trip more. The same for a layer of more than
  64 KiB. `docs/upload.md` has the reasons.
- There is no `GET /v2/` first. The first request shows as well which authentication the registry wants.
- The PUT of a small blob is answered with 201 and the blob's digest. That proves what a HEAD would, so
  none follows. A blob that went in several requests is checked with HEAD, because a registry may put it
  together wrongly; the round trip is a small part of such an upload.
- HEAD of the tag is sent only when the registry had all blobs, because then the tag is likely to name the
  image already.
- The config needs the diff IDs only, so it is sent while the last layers are still being sent.
- The request after a 401 uses the connection of the one before. One token allows all that the push needs
  of its repository.

A large layer needs one round trip for each chunk, and HEAD at its end. With a base, its manifest and its
config come first, one after the other.
"""


def run(argv, data=b""):
    done = subprocess.run(argv, input=data, capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{argv}: {done.stderr.decode(errors='replace')[-500:]}")


def tool(name):
    return shutil.which(name) or shutil.which(os.path.expanduser("~/go/bin/" + name))


class Contenders:
    """The tools that are installed, and how each pushes the same small layer to an image."""

    def __init__(self, layerpipe, scratch):
        self.layerpipe, self.scratch = layerpipe, scratch
        self.tar = make_tar({"small": noise(10000)})
        self.file = os.path.join(scratch, "small.tar")
        with open(self.file, "wb") as file:
            file.write(self.tar)
        self.layout = os.path.join(scratch, "layout")
        run([layerpipe, "push", "-q", f"oci:{self.layout}:1"], self.tar)
        os.environ["HOME"] = scratch  # regctl keeps its configuration there
        pushes = {"layerpipe": self._layerpipe, "crane": self._crane, "oras": self._oras,
                  "regctl": self._regctl, "skopeo": self._skopeo}
        self.paths = {name: layerpipe if name == "layerpipe" else tool(name) for name in pushes}
        self.missing = [name for name, path in self.paths.items() if path is None]
        self.push = {name: push for name, push in pushes.items() if self.paths[name]}

    def prepare(self, host):
        """What is done once for a registry and not counted."""
        if "regctl" in self.push:
            run([self.paths["regctl"], "registry", "set", "--tls", "disabled", "--skip-check", host])

    def _layerpipe(self, image, kind):
        fixed = ["--created", "1"] if kind in (FIXED_TIME, *AGAIN) else []
        run([self.paths["layerpipe"], "push", "-q", *fixed, image], self.tar)

    def _crane(self, image, _):
        run([self.paths["crane"], "append", "-f", "-", "-t", image], self.tar)

    def _oras(self, image, _):
        run([self.paths["oras"], "push", "--plain-http", "--disable-path-validation", image, self.file])

    def _regctl(self, image, _):
        run([self.paths["regctl"], "artifact", "put", "-f", self.file, image])

    def _skopeo(self, image, _):
        run([self.paths["skopeo"], "copy", "-q", "--dest-tls-verify=false", f"oci:{self.layout}:1",
             f"docker://{image}"])


def measure_one(server, push, kind, repository):
    """Requests, round trips and seconds of one push."""
    image = f"{server.host}/{repository}"
    if kind in AGAIN:
        push(image + ":1", kind)
    server.journal.clear()
    start = time.monotonic()
    push(image + (":2" if kind == "the same under another tag" else ":1"), kind)
    wall = time.monotonic() - start
    return len(server.journal), depth(server.journal), wall


def measure(contenders, rtt, runs):
    """{(kind, name): [(requests, round trips, seconds)]}"""
    found = {}
    for kind in KINDS:
        auth = Auth("bearer", anonymous=["pull", "push"]) if kind == "with a token" else None
        with Registry("d28", rtt=rtt / 1000, auth=auth) as server:
            contenders.prepare(server.host)
            for number in range(runs):
                for name, push in contenders.push.items():
                    if kind == FIXED_TIME and name != "layerpipe":
                        continue
                    figures = measure_one(server, push, kind, f"{name}{number}")
                    found.setdefault((kind, name), []).append(figures)
        print(kind, {name: [min(row[:2] for row in rows), f"{statistics.median(row[2] for row in rows):.3f} s"]
                     for (one, name), rows in found.items() if one == kind}, flush=True)
    return found


def table(found, names):
    """Markdown. A busy machine makes a chain look longer, never shorter, so the shortest counts."""
    lines = ["| | tool | requests | round trips | wall |", "|---|---|---|---|---|"]
    for kind in KINDS:
        for name in names:
            rows = found.get((kind, name))
            if not rows:
                continue
            best = min(rows, key=lambda row: (row[1], row[0]))
            wall = statistics.median(row[2] for row in rows)
            lines.append(f"| {kind if name == names[0] else ''} | {name} | {best[0]} | {best[1]} | "
                         f"{wall:.3f} s |")
    return "\n".join(lines) + "\n"


def versions(contenders):
    lines = []
    for name, path in contenders.paths.items():
        if path is not None:
            flag = {"skopeo": "--version"}.get(name, "version")
            said = subprocess.run([path, flag], capture_output=True, text=True, check=False).stdout
            words = [word for word in said.split() if any(c.isdigit() for c in word)]
            lines.append(f"{name} {words[0] if words else 'of unknown version'}")
    return ", ".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layerpipe", default=os.path.join(ROOT, "build", "layerpipe"))
    parser.add_argument("--rtt", type=int, default=50, help="milliseconds")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        contenders = Contenders(args.layerpipe, scratch)
        found = measure(contenders, args.rtt, args.runs)
        text = HEAD.format(rtt=args.rtt, runs=args.runs) + table(found, list(contenders.push))
        text += f"\nTools: {versions(contenders)}.\n"
        if contenders.missing:
            text += f"Not installed: {', '.join(contenders.missing)}.\n"
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(text + EXPLAINED)


if __name__ == "__main__":
    main()
