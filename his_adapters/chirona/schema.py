"""Chirona's 15 tables with every constraint: one text, rendered for PostgreSQL and for SQLite.

The words are those of the original DDL; columns marked `+` are the seed's, which the original DDL lacks. Identifiers
are unquoted, so that PostgreSQL's catalogue holds them in lower case: `chironaschema.medicaltestinvoice.invoiceno`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from his_adapters.layout import Column, misspelled

SCHEMA = "ChironaSchema"

_TABLES = """
Staff
  StaffId SERIAL PRIMARY KEY
  StaffFirstName VARCHAR(100) NOT NULL
  StaffLastName VARCHAR(100) NOT NULL
  StaffDOB DATE NOT NULL
  StaffGender VARCHAR(11) NOT NULL CHECK (StaffGender IN ('Male', 'Female', 'Transgender'))
  StaffRole VARCHAR(12) NOT NULL CHECK (StaffRole IN ('Doctor', 'Nurse', 'Admin', 'Pharmacist', 'LabScientist'))
  StaffTelNo VARCHAR(11) NOT NULL
  StaffEmail VARCHAR(50) NOT NULL
Doctor
  DoctorId INT PRIMARY KEY REFERENCES Staff
  Specialization VARCHAR(100)
AdminStaff
  AdminId INT PRIMARY KEY REFERENCES Staff
  UserName CHAR(10) NOT NULL
Room
  RoomId SERIAL PRIMARY KEY
  RoomType VARCHAR(40) NOT NULL CHECK (RoomType IN ('general wards', 'semi-private rooms', 'private rooms', 'specialized units'))
  RoomAvailability VARCHAR(17) NOT NULL CHECK (RoomAvailability IN ('Available', 'Occupied', 'Maintenance'))
Shift
  ShiftId SERIAL PRIMARY KEY
  CreatedBy INT REFERENCES AdminStaff
  ShiftDate DATE NOT NULL
  StartTime TIME
  EndTime TIME
  WeekNo INT
  ShiftDayOfWeek VARCHAR(9) NOT NULL CHECK (ShiftDayOfWeek IN ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'))
  + ShiftType VARCHAR(10) CHECK (ShiftType IN ('Morning', 'Evening', 'Night'))
ShiftAssignment
  AssignmentId SERIAL PRIMARY KEY
  ShiftId INT REFERENCES Shift
  StaffId INT REFERENCES Staff
Patient
  PatientId SERIAL PRIMARY KEY
  PatientFirstName VARCHAR(100) NOT NULL
  PatientLastName VARCHAR(100) NOT NULL
  PatientTelNo VARCHAR(11) NOT NULL
  PatientEmail VARCHAR(50) NOT NULL
  PatientGender VARCHAR(11) NOT NULL CHECK (PatientGender IN ('Male', 'Female', 'Transgender'))
  + PatientDOB DATE
  + PatientType VARCHAR(10) CHECK (PatientType IN ('Inpatient', 'Outpatient'))
Appointment
  AppointmentId SERIAL PRIMARY KEY
  DoctorId INT REFERENCES Doctor
  PatientId INT REFERENCES Patient
  ScheduledBy INT REFERENCES AdminStaff
  AppointmentDate DATE NOT NULL
  AppointmentStartTime TIME NOT NULL
  AppointmentEndTime TIME NOT NULL
  AppointmentStatus VARCHAR(9) NOT NULL DEFAULT 'Scheduled' CHECK (AppointmentStatus IN ('Scheduled', 'Completed', 'Cancelled'))
MedicalTest
  TestId SERIAL PRIMARY KEY
  RequestedBy INT REFERENCES Doctor
  DoneBy INT REFERENCES Staff
  PatientId INT REFERENCES Patient
  TestType TEXT NOT NULL
  TestDate TIMESTAMP NOT NULL
  TestResult TEXT
  TestStatus VARCHAR(9) NOT NULL DEFAULT 'Scheduled' CHECK (TestStatus IN ('Scheduled', 'Completed', 'Cancelled'))
  TestCost NUMERIC(5, 2)
Treatment
  TreatmentId SERIAL PRIMARY KEY
  PatientId INT REFERENCES Patient
  TreatmentProcedure TEXT NOT NULL
  TreatmentCost NUMERIC(7, 2) NOT NULL
  + Medication TEXT
  + Diagnosis TEXT
Admission
  AdmissionId SERIAL PRIMARY KEY
  PatientId INT REFERENCES Patient
  AdmissionDate TIMESTAMP
  TreatmentId INT REFERENCES Treatment
  RoomId INT REFERENCES Room
  AdmissionStatus VARCHAR(12) NOT NULL CHECK (AdmissionStatus IN ('Pending', 'Admitted', 'In Treatment', 'Discharged', 'Cancelled', 'Transferred'))
  + DischargeDate TIMESTAMP
Invoice
  InvoiceNo CHAR(10) PRIMARY KEY
  DateGenerated TIMESTAMP
  GeneratedBy INT REFERENCES AdminStaff
  PatientId INT REFERENCES Patient
  Amount NUMERIC(7, 2) NOT NULL
  Tax NUMERIC(5, 2) NOT NULL
  TotalAmount NUMERIC(7, 2) NOT NULL
  CHECK (TotalAmount = Amount + Tax)
MedicalTestInvoice
  InvoiceNo CHAR(10) REFERENCES Invoice
  TestId INT REFERENCES MedicalTest
  PRIMARY KEY (InvoiceNo, TestId)
TreatmentInvoice
  InvoiceNo CHAR(10) REFERENCES Invoice
  TreatmentId INT REFERENCES Treatment
  PRIMARY KEY (InvoiceNo, TreatmentId)
Payment
  PaymentId SERIAL PRIMARY KEY
  PaymentDate TIMESTAMP
  PaidBy INT REFERENCES Patient
  InvoiceNo CHAR(10) REFERENCES Invoice
  PaymentMethod VARCHAR(12) CHECK (PaymentMethod IN ('Cash', 'Credit Card', 'Transfer', 'Cheque', 'Debit Card'))
"""  # noqa: E501 - a constraint is read in one line

_DECLARATION = re.compile(r"(?P<name>\w+) (?P<type>\w+(?:\([\d, ]+\))?)(?P<rules>.*)")
_SIZED_TEXT = re.compile(r"(?:VAR)?CHAR\((\d+)\)")
_NUMERIC = re.compile(r"NUMERIC\((\d+), (\d+)\)")
_REFERENCES = re.compile(r"REFERENCES (\w+)")
_TABLE_RULES = ("CHECK", "PRIMARY KEY")
_CENT = 2
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _snake(name: str) -> str:
    return _WORD_START.sub("_", name).lower()


class Declared(NamedTuple):
    """One column as the DDL declares it."""

    name: str
    type: str
    rules: str
    proposed: bool

    @property
    def field(self) -> str:
        """As our records name it: `StaffTelNo` is `staff_tel_no`."""
        return _snake(self.name)


class Table(NamedTuple):
    """One table as the DDL declares it."""

    name: str
    columns: tuple[Declared, ...]
    rules: tuple[str, ...]

    @property
    def key(self) -> str:
        """The field that a bad export loses: the last of the primary key."""
        whole = [rule for rule in self.rules if rule.startswith("PRIMARY KEY")]
        if whole:
            return _snake(re.findall(r"\w+", whole[0])[-1])
        return next(column.field for column in self.columns if "PRIMARY KEY" in f"{column.type}{column.rules}")


def _parsed() -> Iterator[Table]:
    blocks = re.split(r"\n(?=\w)", _TABLES.strip("\n"))
    for block in blocks:
        name, *lines = block.splitlines()
        columns, rules = [], []
        for line in (each.strip() for each in lines):
            found = _DECLARATION.fullmatch(line.removeprefix("+ "))
            if line.startswith(_TABLE_RULES) or found is None:
                rules.append(line)
            else:
                columns.append(Declared(found["name"], found["type"], found["rules"].strip(), line.startswith("+ ")))
        yield Table(name, tuple(columns), tuple(rules))


TABLES: Mapping[str, Table] = {table.name.lower(): table for table in _parsed()}
"""By name in lower case; those that others refer to come first."""


def postgresql_ddl(*, proposed: bool) -> list[str]:
    """The statements that make the tables on PostgreSQL, in the schema."""
    made = []
    for table in TABLES.values():
        lines = []
        for column in _columns(table, proposed=proposed):
            rules = _REFERENCES.sub(rf"REFERENCES {SCHEMA}.\1 ON DELETE CASCADE", column.rules)
            lines.append(f"{column.name} {column.type} {rules}".strip())
        made.append(_create(f"{SCHEMA}.{table.name}", [*lines, *table.rules]))
    return made


def sqlite_ddl(*, proposed: bool) -> list[str]:
    """The same tables in SQLite, which knows no lengths and no exact decimals: those constraints are spelled out."""
    made = []
    for table in TABLES.values():
        lines = []
        for column in _columns(table, proposed=proposed):
            declared = f"{column.name} {column.type} {column.rules}".strip()
            declared = declared.replace("SERIAL PRIMARY KEY", "INTEGER PRIMARY KEY")
            declared = _REFERENCES.sub(r"REFERENCES \1 ON DELETE CASCADE", declared)
            lines.append(declared + _spelled_out(column))
        made.append(_create(table.name, [*lines, *map(_to_the_cent, table.rules)]))
    return made


def untyped_ddl(place: str = "") -> list[str]:
    """What a bad export keeps of the tables: names, and not even those as they were. `place` is before each name."""
    made = []
    for name in TABLES:
        declared = ", ".join(f'"{column.name}" TEXT' for column in columns(name, "hostile"))
        made.append(f"CREATE TABLE {place}{name} ({declared})")
    return made


def _columns(table: Table, *, proposed: bool) -> list[Declared]:
    return [column for column in table.columns if proposed or not column.proposed]


def _create(name: str, lines: list[str]) -> str:
    return f"CREATE TABLE {name} (\n  " + ",\n  ".join(lines) + "\n)"


def _spelled_out(column: Declared) -> str:
    if sized := _SIZED_TEXT.fullmatch(column.type):
        return f" CHECK (length({column.name}) <= {sized[1]})"
    if number := _NUMERIC.fullmatch(column.type):
        return f" CHECK (abs({column.name}) < {10 ** (int(number[1]) - int(number[2]))})"
    return ""


def _to_the_cent(rule: str) -> str:
    """0.1 + 0.2 is not 0.3 in SQLite."""
    return re.sub(r"CHECK \((\w+) = (\w+ \+ \w+)\)", rf"CHECK (round(\1 - (\2), {_CENT}) = 0)", rule)


def columns(table: str, profile: str) -> tuple[Column, ...]:
    """A table's columns in a profile: the seed's, the original's, or respelled and without types."""
    declared = _columns(TABLES[table], proposed=profile != "original")
    if profile == "hostile":
        spelled = tuple(Column(column.field, column.type, column.field) for column in declared)
        return misspelled(spelled, TABLES[table].key)
    return tuple(Column(column.name, column.type, column.field) for column in declared)
