"""Decides which visit a row is of. A visit's number is not unique: what stays ambiguous is nobody's.

Knows no file. The rules (see the README):
1. Where the row states its patient, only a visit of this number *and* this patient counts.
2. Where it states a time, the one visit of its number that began at that time: to the second, if the number has more.
3. Where it states neither, the number's only visit, if the number of every row of VIST could be read.
4. Neither 2 nor 3 where the number is known to have another visit that no sound row of VIST tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from his_adapters.base import Problem
from his_adapters.proactive_health.records import Visit

_TO_THE_MINUTE = 16


class Candidate(NamedTuple):
    """A visit as its number leads to it; without a patient or a start when its row cannot be used."""

    refr_no: str
    pat_id: str | None
    vis_en: str | None
    vis_ex: str | None


def visit_at(candidates: Sequence[Candidate], at: str | None, *, strangers: bool, all_legible: bool) -> Visit | Problem:
    """The visit of a row that states no patient, or why there is none.

    `candidates` are all rows of VIST with the row's number; `strangers` says that another table knows of one more
    visit of the number, `all_legible` that no other row of VIST may have it.
    """
    if not candidates:
        return Problem("refr_no", "unknown-visit", "no visit has this number, so the patient is not known")
    visits = {(each.pat_id, each.vis_en): each for each in candidates}
    usable = [found for each in visits.values() if (found := _visit(each))]
    if len(usable) < len(visits):
        return _ambiguous("a visit of this number has a row that cannot be used")
    if strangers:
        return _ambiguous("a bill or an appointment of this number is of a visit that is not there")
    if at is None:
        if len(usable) == 1 and all_legible:
            return usable[0]
        return _ambiguous(f"{len(usable)} visits have this number, and the row states no time")
    begun = [each for each in usable if _same(each.vis_en, at)]
    whole = len(begun) == 1 and min(len(at), len(begun[0].vis_en)) > _TO_THE_MINUTE
    if len(begun) == 1 and (whole or (len(usable) == 1 and all_legible)):
        return begun[0]
    if begun:
        return _ambiguous(f"{len(begun)} visits of this number, or more, began at the row's time")
    # Visits last for months: that a time lies within one proves nothing.
    return Problem("refr_no", "another-time", "no visit of this number began at the row's time")


def visit_of(candidates: Sequence[Candidate], patient: str) -> tuple[Visit | None, bool]:
    """The visit of a row that states its patient; and whether the number's visits are all other patients'."""
    found = {each.vis_en: each for each in candidates if each.pat_id == patient}
    if len(found) == 1:
        return _visit(next(iter(found.values()))), False
    return None, bool(candidates) and all(each.pat_id not in {patient, None} for each in candidates)


def _visit(found: Candidate) -> Visit | None:
    if found.pat_id is None or found.vis_en is None:
        return None
    return Visit(found.refr_no, found.pat_id, found.vis_en, found.vis_ex)


def _same(start: str, at: str) -> bool:
    """Whether two times are one, to the precision of the coarser one."""
    shorter = min(len(start), len(at))
    return start[:shorter] == at[:shorter]


def _ambiguous(why: str) -> Problem:
    return Problem("refr_no", "ambiguous-visit", f"{why}: the patient is not certain")
