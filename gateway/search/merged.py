"""Pages over the matches of several searches, as if they were one.

A position is a row's sort values and pk, and pks are unique over all types: each search goes on from the same position.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key

from gateway.search.cursor import Position
from gateway.search.matches import Matches, Page, Sorted, precedes


def merged(searches: Sequence[Matches], position: Position | None, count: int) -> Page:
    """The page of all searches together; they sort alike. Raises TimeLimit."""
    sort = searches[0].sort
    pages = [each.page(position) for each in searches]
    rows = [row for page in pages for row in page.rows]
    backward = position is not None and position.backward
    if position is not None and position.backward:
        # A search that has nothing before the position gives its first page instead.
        place = (position.pk, *position.values)
        rows = [row for row in rows if precedes(row, place, sort)]
        if not rows:
            return merged(searches, None, count)

    def compare(one: Sorted, other: Sorted) -> int:
        return -1 if precedes(one, other, sort) else 1

    rows.sort(key=cmp_to_key(compare))
    has_more = len(rows) > count
    if backward:
        return Page(rows[-count:], has_more or any(page.has_previous for page in pages), has_next=True)
    has_next = has_more or any(page.has_next for page in pages)
    return Page(rows[:count], position is not None, has_next)
