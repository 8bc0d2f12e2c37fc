"""Query strings and forms as pairs of text, in their order; what cannot be decoded is refused.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

from urllib.parse import unquote_plus

from gateway.outcomes import InvalidRequest

MOST_PARAMETERS = 256


def pairs(encoded: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string or form, which is Latin-1 text of UTF-8 bytes. Raises InvalidRequest."""
    if not encoded:
        return []
    try:
        text = encoded if encoded.isascii() else encoded.encode("latin-1").decode()
        if text.count("&") >= MOST_PARAMETERS:
            raise InvalidRequest(f"more than {MOST_PARAMETERS} parameters")
        found = []
        for pair in text.split("&"):
            if pair:
                name, _, value = pair.partition("=")
                found.append((_decoded(name), _decoded(value)))
    except UnicodeError:
        raise InvalidRequest("a parameter is not UTF-8") from None
    if "\0" in text or "%00" in text:
        raise InvalidRequest("a parameter holds a NUL character")
    return found


def _decoded(text: str) -> str:
    return unquote_plus(text, errors="strict") if "%" in text or "+" in text else text
