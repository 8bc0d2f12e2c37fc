"""gateway.interactions.pairs: query strings are read as the standard library reads them, or refused.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from gateway.interactions.pairs import MOST_PARAMETERS, pairs
from gateway.outcomes import InvalidRequest

_PIECES = [
    *("a", "Z", "=", "&", "&&", "+", "%", "%20", "%26", "%3D", "%C3%A9"),
    *("%c3", "%00", "%25", "%0", "0", "\0", ";", "é", "%zz"),
]
_ENCODED = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
    st.integers(MOST_PARAMETERS - 3, MOST_PARAMETERS + 3).map(lambda count: "&".join(["a=1"] * count)),
    st.text(st.characters(max_codepoint=255), max_size=20),
)


@given(_ENCODED)
def test_pairs_are_those_of_the_standard_library(encoded: str) -> None:
    """`parse_qsl` finds the same pairs, and what it refuses, or what holds a NUL character, is refused."""
    try:
        expected = parse_qsl(
            encoded.encode("latin-1").decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError:
        expected = None
    if expected is not None and any("\0" in text for pair in expected for text in pair):
        expected = None
    try:
        found = pairs(encoded)
    except InvalidRequest:
        found = None
    assert found == expected
