"""Writes ProactiveHealth's files, many at once: rows come in any order of tables and go out as they come."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from his_adapters.error_rates import Dice
from his_adapters.proactive_health.schema import FULL_PATIENTS, KEYS, PREFIX, SPLITS, TABLES
from his_adapters.simulated_rows import BadExport
from his_adapters.simulated_stores import replacing


def _listed(text: str) -> list[str]:
    return text.split()


_SPOILED_TOGETHER = 500
_DIG_CD = 4
"""Its place in DIAG."""
_DATES = frozenset(
    _listed("""DT_BRT NAT_ID_E ROLE_DATE HIRE_DATE APT_TIME VIS_EX DIG_EN TRTM_EN POL_ST POL_ED
    BILL_DATE PMNT_DATE RCVD_DATE MFG_DATE""")
)
_NUMBERS = frozenset(_listed("CPCT_NO STRN_NO FMQTY_NO QTY_NO UNIT_DOS BILL_AMT PMNT_AMT SPL_QTY RCVD_QTY COST_UN"))
_KEPT = frozenset(
    _listed("""PAT_ID REFR_NO STF_ID DEP_ID ROM_ID MED_ID MEDT_ID MAT_SKU VEN_ACC EQP_ID ALG_ID DOC_ID CTD_ID SPL_ID
    POL_NO DIG_SEQ TRTM_SEQ MEDS_SEQ BTYPE_CD PMNT_NO VIS_EN DEP_NAME COM_NAME""")
)


class Files:
    """The files of one store; whole when it is left without an error."""

    def __init__(self, folder: Path, profile: str, patients: int, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._former = set(folder.glob(f"{PREFIX}*.csv"))
        self._stack = ExitStack()
        self._sinks = {table: _Table(self._stack, folder, table, profile, patients, seed) for table in TABLES[profile]}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for sink in self._sinks.values():
                sink.end()
        self._stack.__exit__(kind, error, trace)
        if error is None:
            for former in self._former - {path for sink in self._sinks.values() for path in sink.paths}:
                former.unlink()

    def put(self, table: str, row: Sequence[Any]) -> None:
        """Write a row, its cells in the order of the seed's columns."""
        self._sinks[table].put(row)

    @property
    def written(self) -> dict[str, int]:
        """Rows by table."""
        return {table: sink.written for table, sink in self._sinks.items()}


class _Table:
    """One table: its current file, and what a bad export does to its rows."""

    def __init__(self, stack: ExitStack, folder: Path, table: str, profile: str, patients: int, seed: int) -> None:
        self._stack, self._folder, self._table = stack, folder, table
        self._columns = TABLES[profile][table]
        self._fields = [column.field for column in TABLES["seed"][table]]
        self._plain = profile == "seed"
        split = SPLITS.get(table)
        self._most = max(1, ceil(split * patients / FULL_PATIENTS)) if split else 0
        self._bad: BadExport | None = None
        if profile == "hostile":
            rng = Random(f"proactive_health/{seed}/hostile/{table}")
            self._bad = BadExport(rng, key=KEYS[table], kept=_KEPT, dates=_DATES, numbers=_NUMBERS)
            self._dice = Dice("proactive_health", profile, rng)
        self._waiting: list[dict[str, Any]] = []
        self._parts = 0
        self.paths: list[Path] = []
        self.written = self._in_file = 0
        self._open()

    def put(self, row: Sequence[Any]) -> None:
        """Write a row, or keep it until its neighbours are spoiled with it."""
        if self._parts > 1 and self._table == "DIAG":
            # The second file went through a column of decimals.
            row = [f"{cell}.0" if place == _DIG_CD and type(cell) is int else cell for place, cell in enumerate(row)]
        if self._bad:
            self._waiting.append(dict(zip(self._fields, row, strict=True)))
            if len(self._waiting) == _SPOILED_TOGETHER:
                self._spoil()
        elif self._plain:
            self._write(row)
        else:
            self._write(self._ordered(dict(zip(self._fields, row, strict=True))))

    def end(self) -> None:
        """Write what waits."""
        if self._bad:
            self._spoil()

    def _spoil(self) -> None:
        waiting, self._waiting = self._waiting, []
        assert self._bad  # noqa: S101 - only then rows wait
        for row in self._bad.spoil(iter(waiting)):
            cells = self._ordered(row)
            self._write([*cells, "astray"] if self._dice.hit("broken_row") else cells)

    def _ordered(self, row: dict[str, Any]) -> list[Any]:
        return [row.get(column.field) for column in self._columns]

    def _write(self, cells: Iterable[Any]) -> None:
        if self._most and self._in_file == self._most:
            self._open()
        self._lines.writerow(cells)
        self.written += 1
        self._in_file += 1

    def _open(self) -> None:
        self._parts += 1
        self._in_file = 0
        part = self._folder / f"{PREFIX}{self._table}{self._suffix()}.csv"
        self.paths.append(part)
        path = self._stack.enter_context(replacing(part))
        out = self._stack.enter_context(path.open("w", encoding="utf-8", errors="surrogateescape", newline=""))
        self._lines = csv.writer(out, lineterminator="\n")
        self._lines.writerow([column.name for column in self._columns])

    def _suffix(self) -> str:
        if not self._most:
            return ""
        if self._table == "INVN":
            return f"_{(self._parts + 1) // 2}_{2 - self._parts % 2}"
        return f"_{self._parts}"
