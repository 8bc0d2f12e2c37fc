"""Decides which visit a row is of. A visit's number is not unique: what stays ambiguous is nobody's.

Knows no file. The rules (see the README):
1. Where the row states its patient, only a visit of this number *and* this patient counts.
2. Where it states a time, the visit that began at that time; a number's only visit also when the time is within it.
3. Where it states neither, the number's only visit, and only if every visit's number could be read.
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


def visit_at(candidates: Sequence[Candidate], at: str | None, *, all_legible: bool) -> Visit | Problem:
    """The visit of a row that states no patient, or why there is none.

    `candidates` are all rows of VIST with the row's number; `all_legible` says that no other row may have it.
    """
    if not candidates:
        return Problem("refr_no", "unknown-visit", "no visit has this number, so the patient is not known")
    visits = {(each.pat_id, each.vis_en): each for each in candidates}
    usable = [found for each in visits.values() if (found := _visit(each))]
    hidden = len(usable) < len(visits) or not all_legible
    if at is None:
        if len(usable) == 1 and not hidden:
            return usable[0]
        return _ambiguous(len(visits), "and the row states no time")
    begun = [each for each in usable if _same(each.vis_en, at)]
    if len(begun) == 1 and (not hidden or len(at) > _TO_THE_MINUTE):
        return begun[0]
    if begun:
        return _ambiguous(len(visits), "and the time does not tell them apart")
    if len(usable) == 1 and not hidden:
        if _within(usable[0], at):
            return usable[0]
        return Problem("refr_no", "outside-visit", "the only visit of this number was at another time")
    return _ambiguous(len(visits), "and none began at the row's time")


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


def _within(visit: Visit, at: str) -> bool:
    """Whether a time is in the visit, to the precision of the coarser one."""
    end = visit.vis_ex
    return end is not None and visit.vis_en[: len(at)] <= at[: len(visit.vis_en)] and at[: len(end)] <= end[: len(at)]


def _ambiguous(count: int, why: str) -> Problem:
    visits = f"{count} visits have this number" if count > 1 else "another visit may have this number"
    return Problem("refr_no", "ambiguous-visit", f"{visits}, {why}: the patient is not certain")
