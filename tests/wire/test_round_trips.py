# SPDX-License-Identifier: Apache-2.0
"""How many requests each kind of push sends, and how many round trips it waits for one after the
other. The numbers are exact, so that no round trip comes back unnoticed; docs/round-trips.md shows
them beside those of other tools."""
import pytest
from image_support import make_tar
from registry import Auth
from round_trips import depth
from wire_support import noise

RTT_S = 0.05
# A busy machine may delay one of two requests that are sent at the same time; then the chain looks
# longer. It never looks shorter, so one run with the expected numbers is enough.
RUNS = 6
SMALL = make_tar({"small": noise(10000)})
OTHER = make_tar({"other": noise(10000, seed=8)})
MEDIUM = make_tar({"medium": noise(100000)})
LARGE = make_tar({"large": noise(2500000)})
CREATED = ["--created", "1"]


class Pushes:
    """Pushes to one registry, each under a new repository."""

    def __init__(self, run, server, tmp_path):
        self.run, self.server, self.count = run, server, 0
        self.paths = []
        for number in range(3):
            self.paths.append(tmp_path / f"{number}.tar")
            self.paths[-1].write_bytes(make_tar({f"{number}": noise(10000, seed=20 + number)}))

    def repository(self):
        self.count += 1
        return f"{self.server.host}/r{self.count}"

    def push(self, image, *options, data=SMALL, command="push", fixed=True):
        created = CREATED if command == "push" and fixed else []
        result = self.run(command, *created, *options, image, input=data)
        assert result.rc == 0, result

    def small(self):
        self.push(f"{self.repository()}:1", fixed=False)

    def medium(self):
        self.push(f"{self.repository()}:1", data=MEDIUM, fixed=False)

    def small_fixed_time(self):
        self.push(f"{self.repository()}:1")

    def layer_known(self):
        """The layer is there, the config is new."""
        image = f"{self.repository()}:1"
        self.push(image)
        self.server.journal.clear()
        self.push(image, fixed=False)

    def layer(self):
        self.push(self.repository(), command="layer")

    def second_run(self):
        image = f"{self.repository()}:1"
        self.push(image)
        self.server.journal.clear()
        self.push(image)

    def other_tag(self):
        image = self.repository()
        self.push(f"{image}:1")
        self.server.journal.clear()
        self.push(f"{image}:2")

    def two_tags(self):
        self.push(f"{self.repository()}:1", "--tag", "2", fixed=False)

    def three_layers(self):
        result = self.run("push", f"{self.repository()}:1", *self.paths)
        assert result.rc == 0, result

    def base(self):
        base = f"{self.repository()}:1"
        self.push(base)
        self.server.journal.clear()
        self.push(f"{self.repository()}:1", "--base", base, data=OTHER, fixed=False)

    def copied(self):
        source = f"{self.repository()}:1"
        self.push(source)
        self.server.journal.clear()
        self.copy(source)

    def copied_again(self):
        source = f"{self.repository()}:1"
        self.push(source)
        copy = self.copy(source)
        self.server.journal.clear()
        self.copy(source, copy)

    def copy(self, source, copy=None):
        copy = copy or f"{self.repository()}:1"
        result = self.run("copy", source, copy)
        assert result.rc == 0, result
        return copy

    def index(self, *options):
        repository = self.repository()
        self.push(f"{repository}:amd64", "--platform", "linux/amd64")
        self.server.journal.clear()
        result = self.run("index", *options, f"{repository}:1", f"{repository}:amd64")
        assert result.rc == 0, result

    def index_changed(self):
        self.index("--append")

    def chunked(self):
        self.push(f"{self.repository()}:1", "--compress", "none", "--upload", "chunked",
                  "--chunk-size", "1M", data=LARGE, fixed=False)

    def streamed(self):
        self.push(f"{self.repository()}:1", "--compress", "none", "--upload", "streamed", data=LARGE,
                  fixed=False)


KINDS = {  # requests, round trips one after the other with the TCP handshake
    "small": (5, 4),  # POST and PUT of layer and config side by side, PUT of the manifest
    "medium": (6, 5),  # HEAD of the layer, which has more than 64 KiB, before its POST
    "small_fixed_time": (7, 5),  # HEAD, POST and PUT of layer and config side by side
    "layer_known": (5, 4),  # as small
    "layer": (3, 4),
    "second_run": (3, 3),  # HEAD of both, then of the tag
    "other_tag": (4, 4),
    "two_tags": (6, 5),
    "three_layers": (9, 4),
    "base": (9, 7),  # GET of base and its config; HEAD and mount of its layer; and as for small
    "chunked": (9, 8),  # POST, three PATCH, PUT and HEAD of the layer, PUT of the manifest
    "copied": (7, 5),  # GET of the manifest, beside it HEAD of the tag; HEAD and mount of both blobs, PUT of the manifest
    "copied_again": (2, 2),  # GET of the manifest, HEAD of the tag
    "index": (4, 5),  # GET of manifest and config, HEAD of the tag, PUT
    "index_changed": (6, 7),  # the old index is read, so no HEAD; after the PUT two looks at the tag
    "streamed": (7, 6),  # the config waits until the layer is read, and for a connection of its own
}
WITH_TOKEN = {  # a 401 for each request of the first moment, one token, and each request again
    "small": (8, 6),
    "small_fixed_time": (10, 7),
    "second_run": (6, 5),
}


def counts(run, server, tmp_path, kind, expected):
    """The counts of the first run that has the expected ones, else of the last run."""
    pushes = Pushes(run, server, tmp_path)
    for _ in range(RUNS):
        server.journal.clear()
        getattr(pushes, kind)()
        found = (len(server.journal), depth(server.journal))
        if found == expected:
            break
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_round_trips(kind, run, registry, tmp_path):
    server = registry("d28", rtt=RTT_S)
    assert counts(run, server, tmp_path, kind, KINDS[kind]) == KINDS[kind], server.journal.steps()


@pytest.mark.parametrize("kind", WITH_TOKEN)
def test_round_trips_with_token(kind, run, registry, tmp_path):
    server = registry("d28", rtt=RTT_S, auth=Auth("bearer", anonymous=["pull", "push"]))
    found = counts(run, server, tmp_path, kind, WITH_TOKEN[kind])
    assert found == WITH_TOKEN[kind], server.journal


def test_no_request_only_asks_whether_it_is_a_registry(run, registry):
    server = registry("d28")
    assert run("push", f"{server.host}/a:1", input=SMALL).rc == 0
    assert "ping" not in server.journal.steps()
