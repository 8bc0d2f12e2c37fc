"""Hybrid EHR's six tables as the original's ORM creates them, for PostgreSQL and for SQLite, and where its notes lie.

The notes have no schema: three generations of them lie side by side (`his_adapters.hybrid_ehr.notes` reads all).
"""

from __future__ import annotations

from collections.abc import Mapping

from his_adapters.layout import Column, columns, misspelled

DATABASE = "healthdb.db"
"""The embedded file of the six tables."""
NOTES = "clinical_notes"
"""The collection, and the stem of its export."""
NOTE_FILES = (f"{NOTES}.ndjson", f"{NOTES}.jsonl", f"{NOTES}.json")
"""What `mongoexport` may have been told to write; the first is what the simulator writes."""

KEYS: Mapping[str, str] = {
    "doctors": "doctor_id",
    "patients": "patient_id",
    "appointments": "appointment_id",
    "medical_records": "record_id",
    "prescriptions": "prescription_id",
    "billing": "bill_id",
}
"""The tables and their keys; those that others refer to come first."""

_NOW = "created_at TIMESTAMP DEFAULT now()"
_DECLARED: Mapping[str, tuple[str, ...]] = {
    "doctors": (
        "doctor_id SERIAL PRIMARY KEY",
        "first_name VARCHAR(100) NOT NULL",
        "last_name VARCHAR(100) NOT NULL",
        "specialty VARCHAR(100)",
        "phone VARCHAR(30)",
        "email VARCHAR(150)",
        _NOW,
    ),
    "patients": (
        "patient_id SERIAL PRIMARY KEY",
        "patient_uuid VARCHAR(36) UNIQUE",
        "first_name VARCHAR(100) NOT NULL",
        "last_name VARCHAR(100) NOT NULL",
        "date_of_birth DATE",
        "gender VARCHAR(20)",
        "phone VARCHAR(30)",
        "email VARCHAR(150)",
        "address TEXT",
        _NOW,
    ),
    "appointments": (
        "appointment_id SERIAL PRIMARY KEY",
        "patient_id INTEGER NOT NULL REFERENCES patients ON DELETE CASCADE",
        "doctor_id INTEGER REFERENCES doctors",
        "appointment_ts TIMESTAMP NOT NULL",
        "reason TEXT",
        "status VARCHAR(20) DEFAULT 'scheduled'",
        _NOW,
    ),
    "medical_records": (
        "record_id SERIAL PRIMARY KEY",
        "record_uuid VARCHAR(36) UNIQUE",
        "patient_id INTEGER NOT NULL REFERENCES patients ON DELETE CASCADE",
        "doctor_id INTEGER REFERENCES doctors",
        "appointment_id INTEGER REFERENCES appointments ON DELETE SET NULL",
        "title VARCHAR(255)",
        "summary TEXT",
        _NOW,
    ),
    "prescriptions": (
        "prescription_id SERIAL PRIMARY KEY",
        "record_id INTEGER NOT NULL REFERENCES medical_records ON DELETE CASCADE",
        "medication TEXT NOT NULL",
        "dosage TEXT",
        "instructions TEXT",
        "issued_at TIMESTAMP DEFAULT now()",
    ),
    "billing": (
        "bill_id SERIAL PRIMARY KEY",
        "record_id INTEGER NOT NULL REFERENCES medical_records ON DELETE CASCADE",
        "amount NUMERIC(10, 2) NOT NULL",
        "paid BOOLEAN DEFAULT false",
        "method VARCHAR(50)",
        "billed_at TIMESTAMP DEFAULT now()",
    ),
}
_IN_SQLITE = (("SERIAL", "INTEGER"), ("DEFAULT now()", "DEFAULT CURRENT_TIMESTAMP"))


def postgresql_ddl() -> list[str]:
    """The statements that make the tables on PostgreSQL."""
    return [f"CREATE TABLE {name} ({', '.join(declared)})" for name, declared in _DECLARED.items()]


def sqlite_ddl() -> list[str]:
    """The same tables in SQLite."""
    made = []
    for statement in postgresql_ddl():
        for word, other in _IN_SQLITE:
            statement = statement.replace(word, other)  # noqa: PLW2901 - one replacement after the other
        made.append(statement)
    return made


def untyped_ddl(tables: Mapping[str, tuple[Column, ...]]) -> list[str]:
    """What a bad export keeps of the tables: names, and not even those as they were."""
    named = {name: ", ".join(f'"{column.name}" TEXT' for column in found) for name, found in tables.items()}
    return [f"CREATE TABLE {name} ({declared})" for name, declared in named.items()]


def tables(profile: str) -> dict[str, tuple[Column, ...]]:
    """The columns of every table in a profile: as the ORM names them, or respelled and without types."""
    named = {name: columns(", ".join(line.split()[0] for line in declared)) for name, declared in _DECLARED.items()}
    if profile != "hostile":
        return named
    return {name: misspelled(found, KEYS[name]) for name, found in named.items()}
