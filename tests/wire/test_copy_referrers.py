# SPDX-License-Identifier: Apache-2.0
"""layerpipe copy --referrers: what refers to an image as its subject travels along, through the
referrers API and the referrers tag."""
import json
import subprocess

import pytest
from archive_support import oci_archive, pack
from cli_support import make_tar
from image_support import INDEX_TYPE, Base, descriptor, encode, put_index
from inputs import random_bytes
from registry import Fault
from registry.profiles import profile

SOURCE = "from/image"
TARGET = "to/image"
API, NO_API = "zot", "d28"  # profiles with and without the referrers API
PAIRS = [(API, API), (API, NO_API), (NO_API, API), (NO_API, NO_API)]


def copy(run, source, target, *options, **more):
    return run("copy", "--json", "--referrers", *options, source, target, **more)


def image(seed="a", arch="amd64"):
    return Base([make_tar({seed: random_bytes(2000, seed)})], arch=arch)


def referrer(subject, kind="signature"):
    """subject: a Base."""
    found = Base([b"%s of %s" % (kind.encode(), subject.digest.encode())])
    found.manifest.update(artifactType="application/x." + kind, annotations={"kind": kind},
                          subject=descriptor(subject.manifest["mediaType"],
                                             encode(subject.manifest)))
    return found


def tag_of(digest):
    return digest.replace(":", "-")


def put_referrers(server, *referrers, repository=SOURCE):
    """Stores them, and the referrers tag if the registry has no API."""
    lists = {}
    for found in referrers:
        found.put(server, repository, found.digest)
        lists.setdefault(found.manifest["subject"]["digest"], []).append((found, None))
    if not server.profile.referrers:
        for subject, children in lists.items():
            entries = [{**descriptor(child.manifest["mediaType"], encode(child.manifest)),
                        "artifactType": child.manifest["artifactType"]} for child, _ in children]
            index = encode({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries})
            server.storage.put_manifest(repository, tag_of(subject), index, INDEX_TYPE)


def listed(server, subject, repository=TARGET):
    """What a client finds for the subject: the digests, sorted."""
    if server.profile.referrers:
        entries = server.storage.referrers(repository, subject)
    else:
        entries = (server.manifest(repository, tag_of(subject)) or {"manifests": []})["manifests"]
    return sorted(entry["digest"] for entry in entries)


def assert_copied(server, *bases, repository=TARGET):
    for base in bases:
        assert server.manifest(repository, base.digest) == base.manifest
        for layer in base.layers:
            assert server.blob(repository, descriptor("", layer)["digest"]) == layer


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_referrers_travel_along(run, registry, kinds):
    """Also what refers to a referrer."""
    source, target = (registry(kind) for kind in kinds)
    base = image()
    reference = base.put(source, SOURCE, "1")
    sbom = referrer(base, "sbom")
    signatures = [referrer(base), referrer(sbom)]
    put_referrers(source, sbom, *signatures)
    result = copy(run, reference, f"{target.host}/{TARGET}:1")
    assert result.rc == 0, result
    output = result.json()
    assert (output["digest"], output["manifests"], output["referrers"]) == (base.digest, 4, 3)
    assert_copied(target, base, sbom, *signatures)
    assert listed(target, base.digest) == sorted([sbom.digest, signatures[0].digest])
    assert listed(target, sbom.digest) == [signatures[1].digest]
    puts = [entry.path.rpartition("/")[2] for entry in target.journal.entries("manifest-put")]
    assert puts[-1] == "1" and puts.index(base.digest) < puts.index(sbom.digest)
    before = len(target.journal.entries("manifest-put"))
    again = copy(run, reference, f"{target.host}/{TARGET}:1").json()
    assert again["referrers"] == 3 and again["blobs"]["copied"] == 0
    assert len(target.journal.entries("manifest-put")) == before, "nothing is put a second time"


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_without_option_they_stay(run, registry, kinds):
    source, target = (registry(kind) for kind in kinds)
    base = image()
    reference = base.put(source, SOURCE, "1")
    put_referrers(source, referrer(base))
    result = run("copy", "--json", reference, f"{target.host}/{TARGET}:1")
    assert result.rc == 0 and "referrers" not in result.json()
    assert listed(target, base.digest) == []
    assert not source.journal.entries("referrers")


def test_of_each_image_of_an_index(run, registry):
    source, target = registry(API), registry(API)
    kinds = [{"os": "linux", "architecture": arch} for arch in ("amd64", "s390x")]
    children = [image(kind["architecture"], kind["architecture"]) for kind in kinds]
    for child in children:
        child.put(source, SOURCE, child.digest)
    reference = put_index(source, SOURCE, "all", list(zip(children, kinds)))
    signatures = [referrer(child) for child in children]
    index = Base([b"of the index"])
    data = source.storage.manifest(SOURCE, "all")[2]
    index.manifest.update(artifactType="application/x.signature",
                          subject=descriptor(INDEX_TYPE, data))
    put_referrers(source, *signatures, index)
    output = copy(run, reference, f"{target.host}/{TARGET}:1", "--all").json()
    assert output["referrers"] == 3
    assert_copied(target, *children, *signatures, index)
    output = copy(run, reference, f"{target.host}/other:1", "--platform", "linux/s390x").json()
    assert output["referrers"] == 1
    assert_copied(target, signatures[1], repository="other")
    assert listed(target, children[0].digest, "other") == []


@pytest.mark.parametrize("ending", ["sig", "att", "sbom"])
def test_tags_of_cosign(run, registry, tmp_path, ending):
    """Without a subject, and found by the tag of the digest."""
    source, target = registry(API), registry(API)
    base = image()
    reference = base.put(source, SOURCE, "1")
    signature = Base([b"signature"])
    tag = f"{tag_of(base.digest)}.{ending}"
    signature.put(source, SOURCE, tag)
    for start, end in [(reference, f"oci:{tmp_path}/layout:1"),
                       (f"oci:{tmp_path}/layout:1", f"{target.host}/{TARGET}:1")]:
        assert copy(run, start, end).json()["referrers"] == 1
    assert target.tags(TARGET) == {"1": base.digest, tag: signature.digest}
    assert_copied(target, base, signature)


def test_list_in_pages(run, registry):
    source = registry(profile(API, referrers_page=2))
    target = registry(NO_API)
    base = image()
    reference = base.put(source, SOURCE, "1")
    signatures = [referrer(base, f"kind{number}") for number in range(7)]
    put_referrers(source, *signatures)
    assert copy(run, reference, f"{target.host}/{TARGET}:1").json()["referrers"] == 7
    assert listed(target, base.digest) == sorted(found.digest for found in signatures)
    assert len(source.journal.entries("referrers")) == 4 + len(signatures)


@pytest.mark.parametrize("link", ["<https://other.example/v2/from/image/referrers/x?a=b>; rel=\"next\"",
                                  "</v2/from/image/manifests/1?a=b>; rel=\"next\"",
                                  "</v2/from/image/referrers/{digest}#x>; rel=\"next\"",
                                  "<?x y>; rel=\"next\""])
def test_next_page_is_at_the_same_path(run, registry, link):
    base = image()
    fault = Fault("referrers", "status", times=None, status=200,
                  headers={"Link": link.format(digest=base.digest), "Content-Type": INDEX_TYPE},
                  body=encode({"schemaVersion": 2, "manifests": []}))
    source, target = registry(API, fault), registry(API)
    result = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1")
    assert result.rc == 7 and "Link to the next page" in result.stderr, result
    assert target.tags(TARGET) == {}


@pytest.mark.parametrize("links", ['<{path}?last=0>; rel="first", {next}',
                                   '{next}, <{path}?last=6>; rel="last"',
                                   '<https://example.org/next>; rel="help", {next}; title="a, <b>"',
                                   '<{path}?last=6>; rel="last"\n{next}'])
def test_next_page_is_one_of_several_links(run, registry, links):
    """The page that the registry names as the next one, and no other. Lines are headers."""
    def change(server, request, answer):
        found = answer.get("Link")
        if found is not None:
            answer.set("Link", links.format(path=request.path, next=found).split("\n"))
    source = registry(profile(API, referrers_page=2),
                      Fault("referrers", "call", at="done", times=None, call=change))
    target = registry(NO_API)
    base = image()
    reference = base.put(source, SOURCE, "1")
    signatures = [referrer(base, f"kind{number}") for number in range(5)]
    put_referrers(source, *signatures)
    assert copy(run, reference, f"{target.host}/{TARGET}:1").json()["referrers"] == 5
    assert listed(target, base.digest) == sorted(found.digest for found in signatures)


def test_link_that_is_too_long_is_not_the_end_of_the_list(run, registry):
    base = image()
    def change(server, request, answer):
        answer.set("Link", f'<{request.path}?last={"x" * 8000}>; rel="next"')
    source = registry(API, Fault("referrers", "call", at="done", times=None, call=change))
    target = registry(API)
    result = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1")
    assert result.rc == 7 and "Link to the next page" in result.stderr, result
    assert target.tags(TARGET) == {}


@pytest.mark.parametrize("kind", [API, NO_API])
def test_entries_that_are_no_referrers_are_left_out(run, registry, kind):
    """A deleted manifest stays in the referrers tag; and anyone can write there."""
    base, other = image(), image("other")
    good, lost, wrong = referrer(base), referrer(base, "lost"), referrer(other)
    source, target = registry(NO_API), registry(kind)
    reference = base.put(source, SOURCE, "1")
    put_referrers(source, good)
    wrong.put(source, SOURCE, wrong.digest)
    entries = [descriptor(found.manifest["mediaType"], encode(found.manifest))
               for found in (lost, wrong, good)]
    source.storage.put_manifest(SOURCE, tag_of(base.digest),
                                encode({"schemaVersion": 2, "mediaType": INDEX_TYPE,
                                        "manifests": entries}), INDEX_TYPE)
    result = copy(run, reference, f"{target.host}/{TARGET}:1")
    assert result.rc == 0 and result.json()["referrers"] == 1, result
    assert f"{lost.digest} is listed as a referrer of {base.digest}, but does not exist" in result.stderr
    assert f"{wrong.digest} is listed as a referrer of {base.digest}, but does not refer" in result.stderr
    assert listed(target, base.digest) == [good.digest]


@pytest.mark.parametrize("step, status", [("referrers", 500), ("referrers", 403), ("manifest-get", 403)])
def test_failure_of_a_referrer_sets_no_tag(run, registry, step, status):
    base = image()
    signature = referrer(base)
    fault = Fault(step, "status", status=status, times=None,
                  when=lambda request: step == "referrers" or signature.digest in request.path)
    source, target = registry(API, fault), registry(API)
    reference = base.put(source, SOURCE, "1")
    put_referrers(source, signature)
    result = copy(run, reference, f"{target.host}/{TARGET}:1", "--retry", "0")
    assert result.rc in (4, 6) and target.tags(TARGET) == {}, result
    assert "referrer" in result.stderr.splitlines()[-1], result


@pytest.mark.parametrize("kind", [API, NO_API])
def test_through_a_layout_and_an_archive(run, registry, tmp_path, kind):
    source, target = registry(kind), registry(kind)
    base = image()
    sbom = referrer(base, "sbom")
    signature = referrer(sbom)
    reference = base.put(source, SOURCE, "1")
    put_referrers(source, sbom, signature)
    places = [reference, f"oci:{tmp_path}/layout:1", f"oci-archive:{tmp_path}/a.tar:1",
              f"oci:{tmp_path}/second:1", f"{target.host}/{TARGET}:1"]
    for start, end in zip(places, places[1:]):
        result = copy(run, start, end)
        assert result.rc == 0, result
        assert (result.json()["digest"], result.json()["referrers"]) == (base.digest, 2)
        again = copy(run, start, end)
        assert again.rc == 0 and again.json()["referrers"] == 2, again
    assert_copied(target, base, sbom, signature)
    assert listed(target, base.digest) == [sbom.digest]
    assert listed(target, sbom.digest) == [signature.digest]
    with open(tmp_path / "layout" / "index.json", encoding="utf-8") as file:
        entries = json.load(file)["manifests"]
    assert [entry["digest"] for entry in entries] == [base.digest, sbom.digest, signature.digest]


def test_archive_without_option_sends_them_and_says_so(run, registry):
    target = registry(API)
    base = image()
    signature = referrer(base)
    entries = oci_archive(base)
    index = json.loads(dict(e for e in entries if isinstance(e[0], str))["index.json"])
    index["manifests"].append(descriptor(signature.manifest["mediaType"],
                                         encode(signature.manifest)))
    blobs = dict(e for e in oci_archive(signature) if isinstance(e[0], str))
    blobs["index.json"] = encode(index)
    entries = [e for e in entries if e[0] not in blobs] + list(blobs.items())
    result = run("copy", "--json", "oci-archive:-:1", f"{target.host}/{TARGET}:1", input=pack(entries))
    assert result.rc == 0 and "does not name were sent, too: 1" in result.stderr, result
    result = copy(run, "oci-archive:-:1", f"{target.host}/{TARGET}:2", input=pack(entries))
    assert result.rc == 0 and "were sent" not in result.stderr, result
    assert result.json()["referrers"] == 1 and listed(target, base.digest) == [signature.digest]


def test_many_referrers_of_one_subject_are_all_listed(run, registry):
    source, target = registry(API), registry(NO_API)
    base = image()
    found = [referrer(base, f"kind{number}") for number in range(12)]
    put_referrers(source, *found)
    result = copy(run, base.put(source, SOURCE, "1"), f"{target.host}/{TARGET}:1", "--jobs", "8")
    assert result.json()["referrers"] == 12
    assert len(listed(target, base.digest)) == 12


def test_not_into_a_docker_archive(run, registry, tmp_path):
    source = registry(API)
    result = copy(run, image().put(source, SOURCE, "1"), f"docker-archive:{tmp_path}/a.tar:app:1")
    assert result.rc == 2 and "oci-archive:" in result.stderr, result
    assert not source.journal.entries("manifest-get")


@pytest.mark.parametrize("judge", ["oras", "regctl"])
def test_other_programs_find_them(run, registry, docker_registry, tool, judge):
    """In a registry without the API, and in one with it."""
    program, server = tool(judge), docker_registry()
    base = image()
    signature = referrer(base)
    for target in (registry(API), server):
        source = registry(API)
        reference = base.put(source, SOURCE, "1")
        put_referrers(source, signature)
        where = f"{target.host}/{TARGET}:1"
        assert copy(run, reference, where).rc == 0
        words = ["discover", "--format", "json", "--plain-http", where] if judge == "oras" else \
            ["artifact", "list", "--host", f"reg={target.host},tls=disabled", "--format", "{{json .}}", where]
        shown = subprocess.run([program, *words], check=True, capture_output=True).stdout
        assert signature.digest in shown.decode(), shown
