"""Opens ProactiveHealth: the folder of its CSV files, joined without ever giving one patient another's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from his_adapters.base import (
    Adapter,
    Checkpoint,
    Column,
    Health,
    Problem,
    Record,
    Rejected,
    Skipped,
    SourceConfig,
    SourceConfigError,
    SourceError,
    Stream,
)
from his_adapters.csv_rows import CLOSE
from his_adapters.proactive_health.files import TableFiles
from his_adapters.proactive_health.joins import Joins
from his_adapters.proactive_health.reading import Reading
from his_adapters.proactive_health.records import (
    Billed,
    BillRow,
    Employed,
    MemberRow,
    OfVisit,
    PatientAllergyRow,
    Reacting,
    StaffRow,
    Stay,
    Supplied,
    SupplyRow,
    Team,
    VisitRow,
)
from his_adapters.proactive_health.visits import visit_at, visit_of
from his_adapters.tabular import digest_of, told_columns

OPTIONS = ("encoding", "delimiter")
"""What `options` of its configuration may name."""

Told = Sequence["tuple[Any, ...] | Problem"]


def open_source(config: SourceConfig) -> Adapter:
    """The adapter of one ProactiveHealth. Does no I/O."""
    return ProactiveHealth(config)


class ProactiveHealth:
    """An Adapter over a folder of CSV files. A table that is not there is no stream."""

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._files = TableFiles(config)
        self._joins = Joins(self._files)

    def check(self) -> Health:
        """Look at the header and the first rows of each file."""
        try:
            found = self.streams()
            paths = [path for paths in self._files.found().values() for path in paths]
            illegible = [path.name for path in paths if not self._files.sample(path).legible]
        except SourceError as error:
            return error.health()
        hints = []
        if missing := self._files.tables.keys() - {stream.name for stream in found}:
            hints.append(f"there is no file of {', '.join(sorted(missing))}")
        if illegible and not self._files.form().encoding:
            hints.append(f"set the option encoding: {', '.join(illegible)} not UTF-8")
        if not self._config.timezone:
            hints.append("set timezone: without it the time of the day is left out")
        rows = sum(stream.estimated_rows or 0 for stream in found)
        return Health("ok", f"{len(found)} tables with about {rows} rows", "; ".join(hints))

    def streams(self) -> list[Stream]:
        """The tables found, those that others refer to first. The number of rows is estimated."""
        made, form = [], self._files.form()
        for name, paths in self._files.found().items():
            table = self._files.tables[name]
            parts = self._files.parts(table)
            read = (column for part in parts for column, field in zip(part.header, part.names, strict=True) if field)
            fingerprint = digest_of(([part.header for part in parts], form)).hex()
            rows = sum(self._files.sample(path).estimated_rows for path in paths)
            made.append(Stream(name, table.keys, tuple(dict.fromkeys(read)), fingerprint, rows))
        return made

    def columns(self) -> list[Column]:
        """The columns of the folder's .csv files; those of a table in several files once."""
        made, read = [], []
        for name, paths in self._files.found().items():
            for part in self._files.parts(self._files.tables[name]):
                made += told_columns(name, part.header, part.names)
            read += paths
        return list(dict.fromkeys(made)) + self._files.strangers(read)

    def change_token(self, stream: str) -> str | None:
        """A digest of the table's files, of those it is joined with, and of how they are read."""
        found, needs = self._files.found(), self._files.tables[stream].needs
        digests = [
            [(path.name, self._files.digest(path)) for path in found.get(name, ())]
            for name in dict.fromkeys((stream, *needs))
        ]
        return digest_of((digests, self._files.form())).hex()

    def read(self, stream: str, state: str | None) -> Iterator[Record | Rejected | Skipped | Checkpoint]:
        """Every row, file after file, in their order."""
        table = self._files.tables[stream]
        parts = self._files.parts(table)
        self._joins.need(table.needs)
        join, told = _JOINS.get(stream, (None, _nothing))
        joined = partial(join, self._joins) if join else None
        unbalanced = None
        for part in parts:
            reading = Reading(table, part, joined, told)
            yield from reading.rows(self._files.rows(part))
            if reading.unbalanced and not unbalanced:
                unbalanced = f"{part.path}:{reading.unbalanced}"
        self._joins.need(table.needs)
        if unbalanced:
            # Every other row is told, but which row the broken line was is unknown: nothing may count as deleted.
            raise SourceConfigError("a quote is not balanced", unbalanced, CLOSE)
        yield Checkpoint(complete=True)


def _nothing(row: Any) -> Any:
    return row


def _staff(joins: Joins, rows: Sequence[StaffRow]) -> Told:
    return [(joins.department(row.dep_id),) for row in rows]


def _allergies(joins: Joins, rows: Sequence[PatientAllergyRow]) -> Told:
    return [(joins.allergen(row.alg_id),) for row in rows]


def _members(joins: Joins, rows: Sequence[MemberRow]) -> Told:
    """A team is told by its first row."""
    teams = joins.teams(row.medt_id for row in rows)
    found = ((row, teams.get(row.medt_id, ())) for row in rows)
    return [(team if team and team[0].stf_id == row.stf_id else (),) for row, team in found]


def _stays(joins: Joins, rows: Sequence[VisitRow]) -> Told:
    teams = joins.teams(row.medt_id for row in rows)
    rooms = [joins.room(row.rom_id) for row in rows]
    return [
        (room, joins.department(room.dep_id) if room else None, teams.get(row.medt_id or "", ()))
        for row, room in zip(rows, rooms, strict=True)
    ]


def _of_visits(time: str | None) -> Callable[[Joins, Sequence[Any]], Told]:
    """Rows that state a visit's number, perhaps a time, and no patient."""

    def join(joins: Joins, rows: Sequence[Any]) -> Told:
        candidates = joins.visits(row.refr_no for row in rows)
        strangers, legible = joins.strangers(row.refr_no for row in rows), joins.all_visits_legible
        found = [
            visit_at(
                candidates.get(row.refr_no, ()),
                getattr(row, time) if time else None,
                strangers=row.refr_no in strangers,
                all_legible=legible,
            )
            for row in rows
        ]
        return [each if isinstance(each, Problem) else (each,) for each in found]

    return join


def _bills(joins: Joins, rows: Sequence[BillRow]) -> Told:
    candidates = joins.visits(row.refr_no for row in rows)
    found = [visit_of(candidates.get(row.refr_no, ()), row.pat_id) for row in rows]
    policies = joins.policies([visit for visit, _ in found])
    return [(*each, insured) for each, insured in zip(found, policies, strict=True)]


def _supplies(joins: Joins, rows: Sequence[SupplyRow]) -> Told:
    materials = joins.materials(row.mat_sku for row in rows)
    return [(materials.get(row.mat_sku or ""),) for row in rows]


_JOINS: Mapping[str, tuple[Callable[[Joins, Sequence[Any]], Told], Callable[..., Any]]] = {
    "STFF": (_staff, Employed),
    "PTAL": (_allergies, Reacting),
    "MEDT": (_members, Team),
    "VIST": (_stays, Stay),
    "DIAG": (_of_visits("dig_en"), OfVisit),
    "TRTM": (_of_visits("trtm_en"), OfVisit),
    "TMMD": (_of_visits(None), OfVisit),
    "BILL": (_bills, Billed),
    "MDBL": (_bills, Billed),
    "SPLY": (_supplies, Supplied),
}
"""By table: what its rows are joined with, and what they are told as."""
