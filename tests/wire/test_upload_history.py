# SPDX-License-Identifier: Apache-2.0
"""Many clients push tags to one repository while requests fail. Afterwards every successful push
must be stored, and every tag must be assert_complete."""
import random

import pytest
from inputs import sha256
from registry import Fault, Registry
from wire_support import assert_history, noise, parallel

REPOSITORY = "history/image"
TAGS = ["a", "b", "c"]


def assert_complete(server, digest):
    """All blobs of a manifest are stored and match their digests."""
    manifest = server.manifest(REPOSITORY, digest)
    assert manifest is not None
    for part in [manifest["config"]] + manifest["layers"]:
        assert sha256(server.blob(REPOSITORY, part["digest"])) == part["digest"]


def random_faults(rng):
    steps = ["open", "patch", "commit", "manifest-put", "blob-head"]
    faults = []
    for _ in range(14):
        where = rng.choice(["headers", "done", 1, 300])
        if rng.random() < 0.3:
            faults.append(Fault(rng.choice(steps), "status", nth=rng.randint(1, 12),
                                status=rng.choice([500, 502, 503, 429])))
        else:
            faults.append(Fault(rng.choice(steps), rng.choice(["reset", "fin"]),
                                nth=rng.randint(1, 12), at=where))
    return faults


def push_some(seed, run, name, clients):
    rng = random.Random(seed)
    plans = [(rng.choice(TAGS), noise(rng.randint(1, 300_000), seed=seed * 100 + number))
             for number in range(clients)]
    with Registry(name, random_faults(rng)) as server:
        results = []

        def one(plan):
            tag, data = plan
            results.append((tag, data, run("push", "--json", "--raw", "--media-type", "application/x.test", "--threads", "0",
                                           f"{server.host}/{REPOSITORY}:{tag}", "-", input=data)))
        parallel(one, plans, clients)
        sent = set(server.storage.manifests(REPOSITORY))
        for tag, data, result in results:
            assert result.rc in (0, 5, 6), result
            if result.rc == 0:
                output = result.json()
                assert output["digest"] in sent
                assert output["layers"][0]["diffId"] == sha256(data)
                assert (REPOSITORY, tag, output["digest"]) in server.storage.tag_history
        for digest in sent:
            assert_complete(server, digest)
        for tag, digest in server.tags(REPOSITORY).items():
            assert tag in TAGS and digest in sent
        assert len(server.open_sessions()) <= 14
        assert_history(server)
        assert not server.failures


@pytest.mark.parametrize("name", ["d28", "d3", "zot"])
def test_clients_with_random_faults_keep_tags_complete(name, run):
    parallel(lambda seed: push_some(seed, run, name, 6), range(4), 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["d28", "d3", "zot", "quay", "olareg"])
def test_many_clients_with_random_faults_keep_tags_complete(name, run):
    parallel(lambda seed: push_some(seed, run, name, 8), range(100, 150), 4)


def test_many_clients_of_docker_registry_keep_tags_complete(run, docker_registry):
    server = docker_registry()
    results = []

    def one(number):
        data = noise(50_000, seed=number % 5)
        results.append(run("push", "--json", "--raw", "--media-type", "application/x.test", "--threads", "0",
                           f"{server.host}/{REPOSITORY}:{TAGS[number % 3]}", "-", input=data))
    parallel(one, range(16), 16)
    digests = {result.json()["digest"] for result in results}
    tags = server.tags(REPOSITORY)
    assert sorted(tags) == TAGS and set(tags.values()) <= digests
    assert server.open_sessions(REPOSITORY) == []
