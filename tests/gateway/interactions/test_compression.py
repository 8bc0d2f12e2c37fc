"""Compression: https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from flask.testing import FlaskClient

from gateway.interactions.compression import SMALLEST, compressed
from tests.gateway.interactions.conftest import outcome

LARGE, SMALL, NONE = "/fhir/Patient/_history", "/fhir/Patient/patient-1", "/fhir/Patient/nobody"
DECODED = {
    None: lambda data: data,
    "gzip": gzip.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=1 << 24),
}


@pytest.mark.parametrize(
    ("accepted", "path", "given"),
    [
        (None, LARGE, None),
        ("", LARGE, None),
        ("gzip", LARGE, "gzip"),
        ("x-gzip", LARGE, "gzip"),
        ("GZIP", LARGE, "gzip"),
        ("gzip, deflate", LARGE, "gzip"),
        ("gzip, deflate, br, zstd", LARGE, "zstd"),
        ("gzip;q=1.0, zstd;q=0.5", LARGE, "gzip"),
        ("gzip;q=0.5, zstd;q=0.8, identity;q=1", LARGE, None),
        ("gzip;q=0", LARGE, None),
        ("gzip;q=0, *", LARGE, "zstd"),
        ("*;q=0.1, zstd;q=0", LARGE, "gzip"),
        ("br", LARGE, None),
        ("gzip;q=high", LARGE, None),
        ("gzip", SMALL, None),
        ("gzip, identity;q=0", SMALL, "gzip"),
        ("zstd, *;q=0", SMALL, "zstd"),
        ("identity;q=0, gzip", NONE, "gzip"),
    ],
)
def test_the_client_chooses(client: FlaskClient, accepted: str | None, path: str, given: str | None) -> None:
    """The best that both know, and only what is worth it; the bytes within are the same."""
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    response = client.get(path, headers=headers)
    assert response.headers.get("Content-Encoding") == given
    assert response.headers["Content-Length"] == str(len(response.data))
    assert "Accept-Encoding" in response.headers["Vary"]
    plain = client.get(path)
    assert response.status_code == plain.status_code
    if path == LARGE:  # a Bundle has an id of its own
        assert len(DECODED[given](response.data)) == len(plain.data) >= SMALLEST
    else:
        assert DECODED[given](response.data) == plain.data


@pytest.mark.parametrize("accepted", ["identity;q=0", "*;q=0", "br, identity;q=0"])
def test_who_refuses_everything_is_refused(client: FlaskClient, accepted: str) -> None:
    """406 when not even plain bytes will do."""
    response = client.get(SMALL, headers={"Accept-Encoding": accepted})
    assert response.status_code == 406
    assert outcome(response)["expression"] == ["http.Accept-Encoding"]


def test_a_compressed_version_has_the_same_etag(client: FlaskClient) -> None:
    """Weak ETags are of the version, not of its bytes: a client may ask with the one, whatever it accepts now."""
    headers = {"Accept-Encoding": "gzip, identity;q=0"}
    etag = client.get(SMALL, headers=headers).headers["ETag"]
    unchanged = client.get(SMALL, headers={**headers, "If-None-Match": etag})
    assert unchanged.status_code == 304
    assert "Content-Encoding" not in unchanged.headers


@pytest.mark.parametrize("accepted", ["gzip", "zstd"])
def test_forms_are_answered_compressed_too(client: FlaskClient, accepted: str) -> None:
    """POST and HEAD choose as GET does."""
    headers = {"Accept-Encoding": accepted}
    assert client.post("/fhir/Patient/_search", headers=headers).headers["Content-Encoding"] == accepted
    assert client.head(LARGE, headers=headers).headers["Content-Encoding"] == accepted


def test_threads_do_not_share_a_compressor() -> None:
    """zstd's state belongs to one thread."""
    bodies = [bytes([number]) * 100_000 for number in range(32)]
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(lambda body: compressed(body, "zstd"), bodies)
    assert [DECODED["zstd"](each) for each in made] == bodies
