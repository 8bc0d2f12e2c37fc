"""Identifier domains that a search for Patients names and nobody has identifiers of: the answer says so.

https://profiles.ihe.net/ITI/PDQm/ITI-78.html
"""

from __future__ import annotations

from gateway.search.parameter_types.terms import split
from gateway.search.query import search
from gateway.search.request import SearchRequest, parse
from gateway.store import Store


def names_unknown_domain(store: Store, asked: SearchRequest) -> bool:
    """Whether a domain that is asked for as a whole (`identifier=system|`) is not known."""
    if asked.resource_type != "Patient":
        return False
    identifiers = [value for name, value in asked.self_pairs if name == "identifier"]
    if not identifiers:
        return False
    texts = (text for value in identifiers for text in split(value, ","))
    domains = dict.fromkeys(text for text in texts if split(text, "|")[1:] == [""])
    return not all(_is_known(store, domain) for domain in domains)


def _is_known(store: Store, domain: str) -> bool:
    pairs = [("identifier", domain), ("_count", "1"), ("_total", "none")]
    return bool(search(store, parse("Patient", pairs, strict=True, base="")).matches)
