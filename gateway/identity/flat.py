"""Records as flat rows of a DuckDB table, and the pairs of them that share a blocking key. The batch's first half.

Records are numbered in the order of their ids, so that nothing depends on the order in which they come.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from gateway.identity.blocking import keys
from gateway.identity.forms import COLUMNS, MAY_BE_COMMON, PARTS, Common, Forms, forms
from gateway.identity.scoring import Scorer
from gateway.identity.spellings import NAMELESS, Named, named
from gateway.identity.traits import Traits, from_row

LARGEST_BLOCK = 200
"""Records of one key that are still compared with one another. The keys of a rarer trait find the rest."""
NAMES = "SELECT id, source, several, given, family, usual FROM people ORDER BY id"
"""The source of each record, and what `name_of` needs."""
FEWEST_IN_COMMON = 50
SHARE_IN_COMMON = 0.0005
"""A value of more records than these two is nobody's own."""
FEWEST_USUAL = 10
SHARE_USUAL = 0.0003
"""A given name of as many records is no slip of the pen."""
_LISTS = frozenset(("formal",))
_FLAGS = frozenset(("defaulted", "usual"))
_APART = "\x1f"
_BEFORE = ("id", "source", "several", "keys")
CELLS = (*_BEFORE, *COLUMNS)
"""The names of a row's cells."""
_LISTS_AT, _FLAGS_AT = ([at for at, name in enumerate(CELLS) if name in some] for some in (_LISTS, _FLAGS))


@dataclass(frozen=True, slots=True)
class Blocking:
    """What blocking has found."""

    records: int
    pairs: int
    without_key: int
    """Records that share no key with any other: each is a person of its own."""
    overflows: int
    """Keys of more records than are compared."""


def load(store: duckdb.DuckDBPyConnection, people: Iterable[Traits], folder: Path) -> int:
    """Fill the tables `people` (a row each, numbered by id) and `keys`. Returns the number of records.

    `several` holds the traits as JSON where some part has more than one form: those records are compared in Python.
    Raises ValueError when an id comes twice.
    """
    file = folder / "people.csv"
    with file.open("w", encoding="ascii", errors="xmlcharrefreplace", newline="") as out:
        csv.writer(out).writerows(rows(people))
    columns = dict.fromkeys(CELLS, "VARCHAR")
    made = ", ".join(map(column, COLUMNS))
    store.execute(
        f"""CREATE TABLE people AS
            SELECT row_number() OVER (ORDER BY id) - 1 AS r, id, source, several, keys, {made}
            FROM read_csv(?, header = false, delim = ',', quote = '"', escape = '"', nullstr = chr(1),
                          columns = {columns}, auto_detect = false, max_line_size = 10000000)
            ORDER BY id""",  # noqa: S608 - names of our own columns
        [str(file)],
    )
    file.unlink()
    (count, distinct) = store.execute("SELECT count(*), count(DISTINCT id) FROM people").fetchall()[0]
    if count != distinct:
        raise ValueError("a record's id comes twice")
    store.execute(
        """CREATE TABLE keys AS
            SELECT DISTINCT hash(key) AS k, r FROM (
                SELECT r, unnest(string_split(keys, chr(31))) AS key FROM people WHERE keys <> '')"""
    )
    store.execute("ALTER TABLE people DROP COLUMN keys")
    return int(count)


def column(name: str) -> str:
    """What a cell of a row is, as an SQL expression."""
    if name in _LISTS:
        return f"CASE WHEN {name} = '' THEN [] ELSE string_split({name}, chr(31)) END AS {name}"
    return f"{name} = '1' AS {name}" if name in _FLAGS else name


def rows(people: Iterable[Traits], common: Common | None = None) -> Iterator[list[str]]:
    """The first form of each part as texts, in the order of `CELLS`, without what is `common`; lists are joined."""
    for traits in people:
        found = forms(traits, common)
        several = "" if found.is_flat else orjson.dumps(traits.to_row()).decode()
        row: list[Any] = [traits.resource_id, traits.source, several, _APART.join(sorted(keys(traits)))]
        for part, empty in zip(found.parts, PARTS.values(), strict=True):
            row += part[0] if part else empty
        for at in _LISTS_AT:
            row[at] = _APART.join(row[at])
        for at in _FLAGS_AT:
            row[at] = "1" if row[at] else ""
        yield row


def forms_of(scorer: Scorer, cells: Sequence[Any]) -> Forms:
    """What is compared of a row: its traits as JSON, where it has several forms of a part, and the `COLUMNS`."""
    several, *flat = cells
    return scorer.forms(from_row(orjson.loads(several))) if several else _flat_forms(flat)


def name_of(several: str, given: str, family: str, usual: bool) -> Named:
    """What a row calls its person."""
    if several and len({name.called for name in from_row(orjson.loads(several)).names}) > 1:
        return NAMELESS
    return named(given, family, usual)


def _flat_forms(row: Sequence[Any]) -> Forms:
    """The forms of a flat row, its cells in the order of `COLUMNS`."""
    cells = iter(row)
    made: dict[str, Any] = {}
    for part, empty in PARTS.items():
        values = [tuple(value) if isinstance(value, list) else value for value in (next(cells) for _ in empty)]
        form = type(empty)(*values)
        made[part] = () if form == empty else (form,)
    return Forms(**made)


def common_values(store: duckdb.DuckDBPyConnection, records: int) -> dict[str, frozenset[str]]:
    """The values that too many records hold, by column, and the given names that many bear."""
    most = max(FEWEST_IN_COMMON, SHARE_IN_COMMON * records)
    found = {}
    for column in MAY_BE_COMMON:
        where = "AND NOT defaulted" if column == "born" else ""
        rows = store.execute(
            f"SELECT {column} FROM people WHERE {column} <> '' {where} GROUP BY 1 HAVING count(*) > ?",  # noqa: S608
            [most],
        ).fetchall()
        if rows:
            found[column] = frozenset(row[0] for row in rows)
    usual = store.execute(
        "SELECT given FROM people WHERE given <> '' GROUP BY 1 HAVING count(*) >= ?",
        [max(FEWEST_USUAL, SHARE_USUAL * records)],
    ).fetchall()
    return found | {"given": frozenset(row[0] for row in usual)}


def forget_common(store: duckdb.DuckDBPyConnection, common: Common) -> None:
    """Empty the common values in the table; a birth date goes with all that is derived from it. Given names stay."""
    for column, values in common.items():
        if column == "given":
            store.execute("UPDATE people SET usual = given IN (SELECT unnest(?)) OR len(formal) > 0", [sorted(values)])
            continue
        cleared = ", ".join(f"{name} = {_empty(name)}" for name, part in COLUMNS.items() if part == COLUMNS[column])
        store.execute(f"UPDATE people SET {cleared} WHERE {column} IN (SELECT unnest(?))", [sorted(values)])  # noqa: S608


def _empty(column: str) -> str:
    return "[]" if column in _LISTS else "false" if column in _FLAGS else "''"


def block(store: duckdb.DuckDBPyConnection, records: int) -> Blocking:
    """Make the table `pairs` (a < b, each once) of records that share a key of not too many."""
    store.execute("CREATE TEMP TABLE blocks AS SELECT k, count(*) AS n FROM keys GROUP BY k HAVING n > 1")
    ((overflows,),) = store.execute("SELECT count(*) FROM blocks WHERE n > ?", [LARGEST_BLOCK]).fetchall()
    store.execute(
        """CREATE TEMP TABLE members AS
           SELECT keys.k, keys.r FROM keys JOIN blocks USING (k) WHERE blocks.n <= ? ORDER BY keys.k""",
        [LARGEST_BLOCK],
    )
    store.execute("DROP TABLE blocks")
    store.execute(
        """CREATE TABLE pairs AS
           SELECT DISTINCT one.r AS a, two.r AS b
           FROM members one JOIN members two ON one.k = two.k AND one.r < two.r"""
    )
    store.execute("DROP TABLE members")
    ((pairs, paired),) = store.execute(
        """SELECT (SELECT count(*) FROM pairs),
                  (SELECT count(*) FROM (SELECT a AS r FROM pairs UNION SELECT b FROM pairs))"""
    ).fetchall()
    return Blocking(records, pairs, records - paired, overflows)
