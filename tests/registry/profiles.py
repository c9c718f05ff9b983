# SPDX-License-Identifier: Apache-2.0
"""How registries differ, as data. The self-test compares d28 and d3 with the real programs; the
other profiles follow source code, documentation and reports, see README.md."""
import dataclasses
from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Profile:
    name: str
    # Address of an upload session.
    location: str = "absolute"  # or "relative"
    session_path: str = "/v2/{repository}/blobs/uploads/{uuid}"
    location_padding: int = 0  # bytes of opaque query
    # none; offset-404, offset-416, offset-400: this status for a state with another offset;
    # newest-416: 416 for every state but the newest.
    state: str = "none"
    state_name: str = "_state"
    extra_query: str = ""
    uuid_header: str = "Docker-Upload-UUID"
    stale_state_cancels: bool = False
    # Range headers.
    post_range: str | None = "0-0"
    empty_range: str | None = "0-0"
    range: str = "total"  # or last, first, none, zot (streamed: last, chunked: total)
    # PATCH.
    patch_status: int = 202
    streamed: str = "many"  # or "once"
    second_streamed_status: int = 400
    content_range: str = "ignore"  # or check, check-with-length, refuse, refuse-later
    chunked_with_range_status: int = 0  # for a chunked transfer encoding with a Content-Range
    check_content_type: bool = False
    chunk_min: int = 0
    chunk_max: int = 0
    chunk_equal: bool = False
    announce_chunks: bool = False
    ranged_max: int = 0  # a larger PATCH with a Content-Range gets 416
    refusal_has_range: bool = False  # a 416 has a Location and a Range
    empty_patch_status: int = 0
    request_seconds: float = 0.0  # time limit for one request
    broken: str = "keep"  # the session after an incomplete request; or delete, discard
    replaces: bool = False  # every PATCH discards the bytes before it
    # GET of a session: yes, strict (needs the newest state), exclusive, or an error status.
    status: str | int = "yes"
    # PUT.
    put_body: str = "ok"  # or needs-range, drop, refuse, last
    put_max: int = 0
    put_needs_length: bool = False
    wrong_digest_status: int = 400
    wrong_digest_keeps: bool = True
    put_failure_cancels: bool = False
    check_digest: bool = True
    unknown_session: str = "404"  # or "accept"
    empty_blob_status: int = 201
    # Others.
    cancel: int = 204
    cancel_scope: str = "push"  # the action that DELETE of a session needs
    mount: str = "yes"  # or never, or "404" for an unknown source
    mount_from_only: int = 202
    keepalive: bool = True
    manifest_max: int = 4 * MIB
    manifest_max_status: int = 413
    manifest_checks_blobs: bool = True
    referrers: bool = False
    referrers_page: int = 0  # entries in one answer, with a Link to the next page; 0 = all
    auth: str = "none"  # the authentication scheme of the real registry
    token_seconds: int = 300
    trust: str = "reported"  # where the profile comes from; or measured, source


def _profiles():
    d28 = Profile("d28", state="offset-404", status="strict", check_content_type=True,
                  cancel_scope="delete", manifest_max_status=400, trust="measured")
    d3 = dataclasses.replace(d28, name="d3", state="offset-416", status="yes",
                             content_range="check-with-length")
    zot = Profile("zot", location="relative", uuid_header="Blob-Upload-UUID", range="zot",
                  empty_range="0--1", content_range="check-with-length", broken="delete",
                  request_seconds=60, put_body="needs-range", mount_from_only=405, referrers=True,
                  trust="source")
    ggcr = Profile("ggcr", location="relative", uuid_header="", post_range=None,
                   empty_range="0--1", patch_status=204, streamed="once", content_range="check",
                   status=400, cancel=400, mount="never", unknown_session="accept",
                   manifest_max=0, manifest_checks_blobs=False, referrers=True, trust="measured")
    gitea = Profile("gitea", location="relative", post_range=None, empty_range="0--1",
                    streamed="once", content_range="check", manifest_max=10 * MIB, trust="source")
    ecr = Profile("ecr", post_range=None, patch_status=201, range="first", streamed="once",
                  content_range="check", chunk_min=5 * MIB, chunk_max=10 * MIB, status=404,
                  broken="delete", put_body="last", mount="never", referrers=True, auth="basic")
    return [
        d28, d3, zot, ggcr, gitea, ecr,
        dataclasses.replace(zot, name="zot-old", range="last", request_seconds=0,
                            put_needs_length=True),
        dataclasses.replace(ggcr, name="ggcr-new", patch_status=202),
        Profile("pulp", location="relative", streamed="once", second_streamed_status=500,
                content_range="check", put_body="drop", wrong_digest_status=500,
                wrong_digest_keeps=False, mount="404", auth="bearer", trust="source"),
        Profile("quay", post_range="bytes=0--1", status="exclusive", content_range="overlap",
                broken="discard", refusal_has_range=True, wrong_digest_keeps=False,
                put_failure_cancels=True, keepalive=False, referrers=True, auth="bearer", token_seconds=3600,
                trust="source"),
        Profile("r2", location="relative", state="newest-416", state_name="_stateHash",
                empty_range="0--1", content_range="check", chunk_min=5 * MIB,
                chunk_max=100 * 1000 * 1000, chunk_equal=True, announce_chunks=True,
                empty_patch_status=400, broken="discard",
                refusal_has_range=True, put_body="drop",
                empty_blob_status=500, mount="never", trust="source"),
        Profile("olareg", location="relative", state="offset-400", state_name="state",
                uuid_header="", post_range=None, empty_range=None, content_range="check",
                refusal_has_range=True, referrers=True, trust="source"),
        dataclasses.replace(d28, name="harbor", mount="404", referrers=True, auth="bearer",
                            token_seconds=1800, trust="source"),
        dataclasses.replace(d28, name="hub", auth="bearer", trust="reported"),
        dataclasses.replace(d28, name="gitlab", auth="bearer", trust="reported"),
        dataclasses.replace(d28, name="acr", location="relative",
                            extra_query="_nouploadcache=false", chunked_with_range_status=400,
                            put_max=20 * 1000 * 1000, cancel_scope="push",
                            manifest_max_status=413, referrers=True, auth="bearer",
                            token_seconds=4500, trust="reported"),
        Profile("ghcr", session_path="/v2/{repository}/blobs/upload/{uuid}", streamed="once",
                content_range="check", ranged_max=4 * MIB, status=404, broken="delete",
                auth="bearer", token_seconds=3600),
        Profile("gar", session_path="/artifacts-uploads/namespaces/{repository}/parts/{uuid}",
                location_padding=6144, post_range=None, range="none", streamed="once",
                content_range="refuse-later", status=404, broken="delete", mount="never",
                auth="bearer", token_seconds=3600),
        Profile("gar-first", session_path="/artifacts-uploads/namespaces/{repository}/parts/{uuid}",
                location_padding=6144, post_range=None, range="none", streamed="once",
                content_range="refuse", status=404, broken="delete", mount="never"),
        Profile("nexus", location="relative", mount="never", auth="basic"),
        Profile("artifactory-old", put_body="refuse", cancel_scope="delete", mount="never",
                auth="bearer", token_seconds=3600),
        Profile("repsy", replaces=True, check_digest=False),
    ]


PROFILES = {entry.name: entry for entry in _profiles()}


def profile(name, **changes):
    """Returns a profile with some members changed."""
    return dataclasses.replace(PROFILES[name], **changes)
