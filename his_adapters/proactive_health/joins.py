"""What rows of other tables are told with: visits, policies, teams, rooms; looked up by the batch, in bounded memory.

Large tables go once into a private SQLite database without a name: it lives in a bounded cache, spills into a file that
nobody else can open, and is gone with its connection. Rows of VIST that cannot be used are kept in it too: they make
their number ambiguous.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from marshmallow import ValidationError

from his_adapters.base import SourceTransientError
from his_adapters.csv_rows import CsvRow
from his_adapters.native_fields import Key
from his_adapters.proactive_health.fields import day_of, known_time, number_of, stated
from his_adapters.proactive_health.files import TableFiles
from his_adapters.proactive_health.records import Member, Policy, Room, Visit
from his_adapters.proactive_health.visits import Candidate

_CACHE_KIB = 65_536
_BATCH = 2_000
_KEY = Key()
_SCHEMA = """
CREATE TABLE visits (refr_no TEXT, pat_id TEXT, vis_en TEXT, vis_ex TEXT);
CREATE TABLE strangers (refr_no TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE billed (refr_no TEXT, pat_id TEXT, bills INTEGER, PRIMARY KEY (refr_no, pat_id)) WITHOUT ROWID;
CREATE TABLE policies (pat_id TEXT, pol_no TEXT, com_name TEXT, pol_st TEXT, pol_ed TEXT);
CREATE TABLE members (medt_id TEXT, stf_id TEXT, role TEXT);
CREATE TABLE materials (sku TEXT PRIMARY KEY, stream TEXT) WITHOUT ROWID;
"""
_INDEXES = {
    "VIST": "CREATE INDEX visits_by_number ON visits (refr_no)",
    "INSR": "CREATE INDEX policies_by_patient ON policies (pat_id)",
    "MEDT": "CREATE INDEX members_by_team ON members (medt_id)",
}
_STRANGER = """
INSERT OR IGNORE INTO strangers
SELECT ?1 WHERE EXISTS (SELECT 1 FROM visits WHERE refr_no = ?1)
AND NOT EXISTS (SELECT 1 FROM visits WHERE refr_no = ?1 AND pat_id = ?2)
"""
_COUNT_BILL = """
INSERT INTO billed
SELECT ?1, ?2, 1 WHERE ?2 IS NOT NULL AND (SELECT count(*) FROM visits WHERE refr_no = ?1) > 1
ON CONFLICT DO UPDATE SET bills = bills + 1
"""
_MORE_BILLS_THAN_VISITS = """
INSERT OR IGNORE INTO strangers
SELECT refr_no FROM billed WHERE bills > (
    SELECT count(DISTINCT vis_en) FROM visits
    WHERE visits.refr_no = billed.refr_no AND visits.pat_id = billed.pat_id
)
"""


class Cells(NamedTuple):
    """Some cells of one row; None where one is empty or cannot be used."""

    values: tuple[str | None, ...]
    is_lost: bool
    """The first of them is there but cannot be read."""


class Joins:
    """The other tables of one source, each loaded when it is first needed."""

    def __init__(self, files: TableFiles) -> None:
        self._files = files
        self._states: dict[str, Any] = {}
        self._store: sqlite3.Connection | None = None
        self._departments: dict[str, str | None] = {}
        self._rooms: dict[str, Room | None] = {}
        self._allergens: dict[str, str | None] = {}
        self.all_visits_legible = True
        """Whether the number of every row of VIST could be read."""

    def need(self, tables: Iterable[str]) -> None:
        """Load tables unless that is done. Raises SourceTransientError when one has changed since."""
        for table in tables:
            if table not in self._states:
                self._load(table)
            elif self._states[table] != self._state(table):
                raise SourceTransientError(
                    f"{table} changed after its rows were joined",
                    f"STG_EHP__{table}.csv",
                    "the hospital is writing; sync again later",
                )

    def visits(self, numbers: Iterable[str]) -> dict[str, list[Candidate]]:
        """The visits of each number."""
        found: dict[str, list[Candidate]] = {}
        for row in self._rows("SELECT refr_no, pat_id, vis_en, vis_ex FROM visits WHERE refr_no", numbers):
            found.setdefault(row[0], []).append(Candidate(*row))
        return found

    def strangers(self, numbers: Iterable[str]) -> set[str]:
        """Those of the numbers that a patient has who has no visit of it: of some visit VIST does not tell."""
        return {number for (number,) in self._rows("SELECT refr_no FROM strangers WHERE refr_no", numbers)}

    def policies(self, visits: Sequence[Visit | None]) -> list[tuple[Policy, ...]]:
        """The policies of each visit's patient that were active on the day it began."""
        by_patient: dict[str, list[tuple[str, ...]]] = {}
        query = "SELECT pat_id, pol_no, com_name, pol_st, pol_ed FROM policies WHERE pat_id"
        for row in self._rows(query, {visit.pat_id for visit in visits if visit}):
            by_patient.setdefault(row[0], []).append(row)
        return [
            tuple(
                Policy(number, company)
                for _, number, company, start, end in by_patient.get(visit.pat_id, ())
                if start <= visit.vis_en[:10] <= end
            )
            if visit
            else ()
            for visit in visits
        ]

    def teams(self, ids: Iterable[str | None]) -> dict[str, tuple[Member, ...]]:
        """The members of each team, in the order of the table."""
        found: dict[str, dict[str, Member]] = {}
        query = "SELECT medt_id, stf_id, role FROM members WHERE medt_id"
        for team, member, role in self._rows(query, {each for each in ids if each}, order="rowid"):
            found.setdefault(team, {}).setdefault(member, Member(member, role))
        return {team: tuple(members.values()) for team, members in found.items()}

    def materials(self, ids: Iterable[str | None]) -> dict[str, str]:
        """Whether each id is a medicine's (`MDCN`) or a device's (`EQPM`)."""
        return dict(self._rows("SELECT sku, stream FROM materials WHERE sku", {each for each in ids if each}))

    def department(self, dep_id: str | None) -> str | None:
        """A department's name."""
        return self._departments.get(dep_id) if dep_id else None

    def room(self, rom_id: str | None) -> Room | None:
        """The one room with an id; None for none and for two."""
        return self._rooms.get(rom_id) if rom_id else None

    def allergen(self, alg_id: str) -> str | None:
        """What an allergy is to."""
        return self._allergens.get(alg_id)

    def _rows(self, query: str, values: Iterable[str], order: str = "") -> Iterator[tuple[Any, ...]]:
        some = sorted(set(values))
        if not some:
            return iter(())
        text = f"{query} IN ({', '.join('?' * len(some))}) {f'ORDER BY {order}' if order else ''}"
        return self._open().execute(text, some)

    def _open(self) -> sqlite3.Connection:
        if self._store is None:
            self._store = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._store.close)
            for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._store.execute(f"PRAGMA {setting}")
            self._store.executescript(_SCHEMA)
        return self._store

    def _state(self, table: str) -> Any:
        found = self._files.found()
        return self._files.state(found[table]) if table in found else None

    def _load(self, table: str) -> None:
        state = self._state(table)
        if state is None and table == "VIST":
            self._files.files(self._files.tables[table])  # says that it is missing
        if state is not None:
            getattr(self, f"_load_{table.lower()}")()
            if table in _INDEXES:
                self._open().execute(_INDEXES[table])
        self._states[table] = state

    def _load_vist(self) -> None:
        def rows() -> Iterator[tuple[str | None, ...]]:
            for cells in self._cells("VIST", "refr_no", "pat_id", "vis_en", "vis_ex"):
                number, patient, start, end = cells.values
                if number is None:
                    # Nothing can refer to a visit without a number, but anything to one whose number is lost.
                    self.all_visits_legible = self.all_visits_legible and not cells.is_lost
                    continue
                began = known_time(start)
                if patient is None or began is None:
                    yield number_of(number), None, None, None
                else:
                    yield number_of(number), patient, began, known_time(end)

        self._insert_into("visits", 4, rows())

    def _load_bill(self) -> None:
        """BILL has a row for every visit: one that has no visit is of a visit that VIST has lost."""
        self._load_strangers("BILL", _COUNT_BILL)
        self._open().execute(_MORE_BILLS_THAN_VISITS)

    def _load_mdbl(self) -> None:
        self._load_strangers("MDBL")

    def _load_appt(self) -> None:
        self._load_strangers("APPT")

    def _load_strangers(self, table: str, *others: str) -> None:
        self.need(("VIST",))
        rows = (cells.values for cells in self._cells(table, "refr_no", "pat_id"))
        # A patient who cannot be read may be anybody.
        pairs = ((number_of(number), patient) for number, patient in rows if number)
        self._insert(pairs, _STRANGER, *others)

    def _load_insr(self) -> None:
        def rows() -> Iterator[tuple[str | None, ...]]:
            for cells in self._cells("INSR", "pat_id", "pol_no", "com_name", "pol_st", "pol_ed", "istat_des"):
                patient, number, company, start, end, status = cells.values
                days = _day(start), _day(end)
                if patient and number and None not in days and status and status.casefold() == "active":
                    yield patient, number, company, *days

        self._insert_into("policies", 5, rows())

    def _load_medt(self) -> None:
        rows = (cells.values for cells in self._cells("MEDT", "medt_id", "stf_id", "role_des"))
        self._insert_into("members", 3, (row for row in rows if row[0] and row[1]))

    def _load_mdcn(self) -> None:
        self._load_materials("MDCN", "med_id")

    def _load_eqpm(self) -> None:
        self._load_materials("EQPM", "eqp_id")

    def _load_materials(self, table: str, key: str) -> None:
        rows = ((cells.values[0], table) for cells in self._cells(table, key) if cells.values[0])
        self._insert_into("materials", 2, rows)

    def _load_dpmt(self) -> None:
        for cells in self._cells("DPMT", "dep_id", "dep_name"):
            key, name = cells.values
            if key:
                self._departments.setdefault(key, name)

    def _load_roms(self) -> None:
        for cells in self._cells("ROMS", "rom_id", "dep_id"):
            key, department = cells.values
            if key and department:
                room = Room(key, department)
                self._rooms[key] = room if self._rooms.get(key, room) == room else None

    def _load_algy(self) -> None:
        for cells in self._cells("ALGY", "alg_id", "alg_name"):
            key, name = cells.values
            if key:
                self._allergens.setdefault(key, name)

    def _insert_into(self, table: str, width: int, rows: Iterator[tuple[str | None, ...]]) -> None:
        self._insert(rows, f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * width)})")  # noqa: S608 - our own names

    def _insert(self, rows: Iterator[tuple[str | None, ...]], *statements: str) -> None:
        store = self._open()
        store.execute("BEGIN")
        while batch := list(islice(rows, _BATCH)):
            for statement in statements:
                store.executemany(statement, batch)
        store.execute("COMMIT")

    def _cells(self, table: str, *wanted: str) -> Iterator[Cells]:
        """The wanted cells of every row that is not blank, as the table's own rows would load them."""
        for part in self._files.parts(self._files.tables[table]):
            places = [part.names.index(name) if name in part.names else None for name in wanted]
            for row in self._files.rows(part):
                if not row.blank:
                    yield _taken(row, places)


def _taken(row: CsvRow, places: Sequence[int | None]) -> Cells:
    if row.fault or row.illegible:
        # A stray separator shifts what follows it: only a first cell is sure to be what it seems.
        sure = {0} if row.fault else set(range(len(row.cells)))
        usable = [place if place in sure and place not in row.illegible else None for place in places]
        values = tuple(None if place is None else _key(row.cells[place]) for place in usable)
        return Cells(values, values[0] is None)
    values = tuple(None if place is None else _key(row.cells[place]) for place in places)
    return Cells(values, values[0] is None and places[0] is not None and bool(row.cells[places[0]].strip()))


def _key(cell: str) -> str | None:
    if cell.isprintable() and len(cell) <= 255:
        return cell.strip() or None
    try:
        return _KEY.deserialize(cell)
    except ValidationError:
        return None


def _day(text: str | None) -> str | None:
    try:
        found = stated(text)
        return day_of(found.partition(" ")[0]).isoformat() if found else None
    except ValidationError:
        return None
