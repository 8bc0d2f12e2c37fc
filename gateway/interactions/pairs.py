"""Query strings and forms as pairs of text, in their order; what cannot be decoded is refused.

https://url.spec.whatwg.org/#application/x-www-form-urlencoded
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from gateway.outcomes import InvalidRequest

MOST_PARAMETERS = 256


def pairs(encoded: str) -> list[tuple[str, str]]:
    """The decoded pairs of a query string or form, which is Latin-1 text of UTF-8 bytes. Raises InvalidRequest."""
    if not encoded:
        return []
    try:
        text = encoded if encoded.isascii() else encoded.encode("latin-1").decode()
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeError:
        raise InvalidRequest("a parameter is not UTF-8") from None
    except ValueError:
        raise InvalidRequest(f"more than {MOST_PARAMETERS} parameters") from None
    if any("\0" in name or "\0" in value for name, value in found):
        raise InvalidRequest("a parameter holds a NUL character")
    return found
