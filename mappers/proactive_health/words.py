"""What every stream of ProactiveHealth needs: times in the hospital's zone, native codes, words that are kept.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from mappers.base import MappingContext, MappingReport
from mappers.fhir.elements import URN, extension
from mappers.fhir.hospital import hospital_reference as reference_to_hospital
from mappers.fhir.people import gender_of
from mappers.terminology import folded as folded_word
from mappers.terminology import table

_DAY = 10
_MINUTE = 16

folded = lru_cache(maxsize=4096)(folded_word)
hospital_reference = lru_cache(maxsize=8)(reference_to_hospital)
"""One object for all: what is mapped is read and never changed."""


def date_time(context: MappingContext, time: str) -> str:
    """A native time (`2024-03-14 09:05:07`) as a dateTime: its day only while no time zone is configured."""
    if context.timezone is None or len(time) == _DAY:
        return time[:_DAY]
    return instant(context.timezone, time)


def instant(timezone: str, time: str) -> str:
    """A native time of a zone, with its offset. FHIR wants seconds."""
    seconds = "" if len(time) > _MINUTE else ":00"
    return f"{time[:10]}T{time[11:]}{seconds}{_offset(timezone, time[:13])}"


@lru_cache(maxsize=50_000)
def _offset(timezone: str, hour: str) -> str:
    """The offset of a zone in an hour: zones change theirs on the hour."""
    return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=_zone(timezone)).isoformat()[19:]


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def period(context: MappingContext, report: MappingReport, start: str, end: str | None, element: str) -> dict[str, str]:
    """A period of native times. An end before its start is left out and reported."""
    made = {"start": date_time(context, start)}
    if end is not None:
        if end[: len(start)] < start[: len(end)]:
            report.add("contradiction", f"{element}.end", "the end is before the start: left out")
        else:
            made["end"] = date_time(context, end)
    return made


def native_status(word: str) -> dict[str, Any]:
    """The store's own word for a status that R4's codes cannot say."""
    return extension("native-status", valueString=word)


def local_coding(context: MappingContext, column: str, code: str | None) -> dict[str, str] | None:
    """A native code under the source's own system. Nothing for what cannot be a code."""
    if not code or code.split() != [code]:
        return None
    return {"system": f"{URN}:source:{context.source}:{column}", "code": code}


def status_code(name: str, word: str | None) -> tuple[str | None, list[dict[str, Any]]]:
    """The code of a native status, and the extension that keeps its word where the code says less."""
    found = table(name).all(word)
    if not found:
        return None, [native_status(word)] if word else []
    return found[0].code, [native_status(word)] if word and found[0].trust != "stated" else []


def gender(code: str | None, word: str | None, report: MappingReport, kind: str) -> dict[str, Any]:
    """`gender` of the word; the code beside it counts for nothing, but a letter that contradicts is reported."""
    made = gender_of(word, report, f"{kind}.gender")
    letter = table("gender").code(code)
    if letter and made.get("gender") not in {None, letter}:
        report.add("contradiction", f"{kind}.gender", "the code means another gender than the word: the word counts")
    return made


def positive(number: str | None) -> int | None:
    """A whole number from 1, of a text; None for any other."""
    return int(number) if number and number.isascii() and number.isdigit() and 0 < int(number[:10]) < 2**31 else None
