"""gateway.bundles: the names that bundles bear."""

from __future__ import annotations

import json
import os
from uuid import RFC_4122, UUID

from gateway.bundles import bundle


def _name() -> str:
    return str(json.loads(bundle("searchset", None, (), ()))["id"])


def test_every_bundle_has_a_name_of_its_own() -> None:
    """Ids are random UUIDs, spelled as RFC 9562 does, and no two are the same."""
    names = [_name() for _ in range(2000)]
    assert len(set(names)) == len(names)
    for each in names:
        parsed = UUID(each)
        assert (str(parsed), parsed.version, parsed.variant) == (each, 4, RFC_4122)


def test_all_other_bits_of_a_name_are_random() -> None:
    """Each of the 122 bits that tell neither version nor variant is 0 in some names and 1 in others."""
    bits = [UUID(_name()).int for _ in range(200)]
    always, never = (1 << 128) - 1, 0
    for each in bits:
        always &= each
        never |= each
    assert (always ^ never).bit_count() == 122


def test_workers_give_other_names_than_their_parent() -> None:
    """A forked worker goes on with random numbers of its own."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(sink, _name().encode())
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source) as read:
        theirs = read.read()
    os.waitpid(child, 0)
    assert UUID(theirs).version == 4
    assert theirs != _name()
