# SPDX-License-Identifier: Apache-2.0
"""Where another --upload would work, the message says which; and it does work."""
import pytest
from registry import Fault, profile
from wire_support import MIB, assert_stored, noise, upload

DATA = noise(9 * MIB)
NO_PATCH = [Fault("patch", "status", status=405, times=None, body=b"<h1>405 Not Allowed</h1>")]
NO_PATCH_501 = [Fault("patch", "status", status=501, times=None)]


def streams_refused(status):
    return [Fault("patch", "status", status=status, times=None,
                  when=lambda request: "content-length" not in request.headers)]


def one_request_refused(status):
    return [Fault("commit", "status", status=status, times=None,
                  when=lambda request: request.headers.get("content-length") != "0")]


CASES = {
    "no PATCH": (NO_PATCH, [], "monolithic --spool DIR"),
    "no PATCH, chunked": (NO_PATCH, ["--upload", "chunked"], "monolithic --spool DIR"),
    "no PATCH, streamed": (NO_PATCH, ["--upload", "streamed"], "monolithic --spool DIR"),
    "PATCH is unknown": (NO_PATCH_501, [], "monolithic --spool DIR"),
    "streams: 411": (streams_refused(411), ["--upload", "streamed"], "auto"),
    "streams: 413": (streams_refused(413), ["--upload", "streamed"], "auto"),
    "one PUT: 413": (one_request_refused(413), ["--upload", "monolithic"], "auto"),
}


@pytest.mark.parametrize("case", CASES)
def test_other_upload_is_named(case, run, registry, tmp_path):
    faults, options, other = CASES[case]
    server = registry(profile("d28"), *faults)
    result = upload(run, server, DATA, "--retry", "0", "--chunk-size", "4M", *options)
    assert result.rc != 0 and f"; try --upload {other}\n" in result.stderr, result
    assert server.open_sessions() == []
    arguments = other.replace("DIR", str(tmp_path)).split()
    assert_stored(server, upload(run, server, DATA, "--retry", "0", "--upload", *arguments), DATA)


@pytest.mark.parametrize("status", [403, 413])
def test_no_advice_where_none_is_known(status, run, registry):
    server = registry("d28", Fault("patch", "status", status=status, times=None))
    result = upload(run, server, DATA, "--retry", "0", "--upload", "chunked", "--chunk-size", "1M")
    assert result.rc != 0 and "--upload" not in result.stderr, result
