"""The layout of native tables: a column's name in the store, its declared type, and the field that it holds.

Schemas write a table as text, in the store's order: `patient_id TEXT, payment_method=payment_type TEXT` is a column
`payment_method` that holds the field `payment_type`.
"""

from __future__ import annotations

from typing import NamedTuple


class Column(NamedTuple):
    """One column as a store declares it."""

    name: str
    type: str
    field: str


def columns(text: str, default: str = "TEXT") -> tuple[Column, ...]:
    """Parse a table's text; a column without a type has the default one."""
    made = []
    for part in " ".join(text.split()).split(", "):
        spelled, _, declared = part.partition(" ")
        name, _, field = spelled.partition("=")
        made.append(Column(name, declared or default, field or name))
    return tuple(made)


def misspelled(table: tuple[Column, ...], key: str) -> tuple[Column, ...]:
    """The table as a careless export names it: other case, blanks for underscores, another order, a foreign column.

    Every name still reads the same without case and punctuation. The key stays first.
    """
    respelled = [
        Column((str.upper, str.title, _spaced, str.lower)[place % 4](column.name), "TEXT", column.field)
        for place, column in enumerate(table)
        if column.field != key
    ]
    first = next(column for column in table if column.field == key)
    respelled.reverse()
    return (Column(first.name.upper(), "TEXT", key), *respelled, Column("Unnamed: 0", "TEXT", "unnamed"))


def _spaced(name: str) -> str:
    return name.replace("_", " ").title()
