"""Makes a HIS_B: `patients.json`, `staff.json`, `finance.json` from a population. Knows no FHIR.

Rows are drawn as flat fields and then folded into the objects of the profile: the seed's names, the original's, or a
bad export's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from his_adapters.error_rates import Dice
from his_adapters.his_b.schema import ALLERGIES, FILES, SHIFT_HOURS, STAFF_ID, TRANSACTION_ID
from his_adapters.hospital_stays import bill, employment, history, sex_word, stay
from his_adapters.population import Population, Registration
from his_adapters.simulated_rows import BadExport, Keys, Ledger, patient_key, registered, titled, worker
from his_adapters.simulated_stores import write_json_array, write_json_lines

SOURCE = "his_b"
DEFAULT_PATIENTS = 420
FULL_PATIENTS = DEFAULT_PATIENTS
"""The seed says 400 rows or more."""
_KEYS = {"patients": "patient_id", "staff": "staff_id", "finance": "transaction_id"}
_DATES = frozenset({"dob", "joining_date", "billing_date", "due_date"})
_NUMBERS = frozenset({"hb", "salary", "amount", "discount_applied", "net_amount", "tax", "total_amount"})
_REFERENCES = frozenset({"patient_id", "staff_id"})

_Fields = dict[str, Any]


def simulate(population: Population, folder: Path, *, patients: int, profile: str, seed: int) -> dict[str, int]:
    """Write the three files below `folder`, over old ones. Returns the objects written by file.

    Staff are 15 % and bills 30 % as many as patients, as in the original.
    """
    clinic = _Clinic(population, patients=patients, profile=profile, seed=seed)
    made: dict[str, tuple[Iterator[_Fields], Callable[[_Fields], _Fields]]] = {
        "patients": (clinic.patients(), clinic.patient_object),
        "staff": (clinic.staff(), clinic.staff_object),
        "finance": (clinic.finance(), clinic.finance_object),
    }
    written = {}
    for name in FILES:
        rows, fold = made[name]
        if profile == "hostile":
            rng = Random(f"{SOURCE}/{seed}/hostile/{name}")
            bad = BadExport(rng, key=_KEYS[name], kept=_REFERENCES, dates=_DATES, numbers=_NUMBERS)
            rows = map(_decodable, bad.spoil(rows))
        path = folder / f"{name}.json"
        if name == "finance" and clinic.dice.share("json_lines"):
            written[name] = write_json_lines(path, map(fold, rows))
        else:
            bom = name == "staff" and clinic.dice.share("byte_order_mark") > 0
            written[name] = write_json_array(path, map(fold, rows), bom=bom)
    return written


def _decodable(row: _Fields) -> _Fields:
    """JSON that is not UTF-8 is no JSON: wrong bytes become the replacement character, as exporters make it."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) and not value.isascii() else value
        for name, value in row.items()
    }


class _Clinic:
    def __init__(self, population: Population, *, patients: int, profile: str, seed: int) -> None:
        self.population, self.patient_count, self.profile = population, patients, profile
        self.staff_count = max(6, patients * 15 // 100)
        self.bill_count = max(10, patients * 3 // 10) if patients else 0
        self.rng = Random(f"{SOURCE}/{seed}/{profile}")
        self.dice = Dice(SOURCE, profile, self.rng)
        self.keys = Keys(population, SOURCE, staff=STAFF_ID, finance=TRANSACTION_ID)
        self.ledger = Ledger(
            population,
            SOURCE,
            Random(f"{SOURCE}/{seed}/ledger"),
            bills=self.bill_count,
            patients=patients,
            staff=self.staff_count,
            share=self.dice.share("orphan_finance"),
        )

    def _original(self) -> bool:
        """Whether this object has the original's shape; a bad export mixes both."""
        return self.profile == "original" or (self.profile == "hostile" and self.rng.random() < 0.5)

    def patients(self) -> Iterator[_Fields]:
        rng, dice = self.rng, self.dice
        doctors = [worker(self.population, SOURCE, number, dice).family for number in range(self.staff_count)[:200]]
        for found in registered(self.population, SOURCE, self.patient_count):
            yield {
                "patient_id": patient_key(self.population, SOURCE, found.number, self.profile),
                "first_name": f"{found.prefix} {found.given}".strip(),
                "last_name": f"{found.family} {found.suffix}".strip(),
                "dob": found.born and found.born.isoformat(),
                "gender": sex_word(found, rng, dice),
                "blood_group": found.blood_group,
                **self._reach(found),
                "insurance_id": found.policy,
                "insurance_provider": found.insurer,
                "bp": self._blood_pressure(),
                "hb": rng.randrange(110, 171) / 10,
                "allergies": "None" if dice.hit("none_strings") else rng.choice(ALLERGIES),
                "history": history(rng, dice),
                **stay(rng, dice, doctors),
            }

    def _reach(self, found: Registration) -> _Fields:
        contact, address = found.contact, found.address
        name = contact and contact.name
        if name and self.dice.hit("titled_contact"):
            name = titled(self.rng, name)
        return {
            "country": address and address.country,
            "state": address and address.state,
            "city": address and address.city,
            "postal_code": address and address.postal_code,
            "phone": found.phone,
            "email": found.email,
            "emergency_name": name,
            "emergency_relation": contact and contact.relation,
            "emergency_phone": contact and contact.phone,
        }

    def _blood_pressure(self) -> str:
        if self.dice.hit("bad_bp"):
            return self.rng.choice(("not taken", "120", "12o/80", "/80"))
        return f"{self.rng.randrange(100, 141)}/{self.rng.randrange(60, 91)}"

    def _number(self, value: Any) -> Any:
        """A number, sometimes as a string."""
        return str(value) if value is not None and self.dice.hit("numbers_as_strings") else value

    def _branch(self, branch: _Fields) -> _Fields | None:
        """A sub-object, sometimes null, empty or of nulls."""
        if self.dice.hit("broken_branch"):
            return self.rng.choice((None, {}, dict.fromkeys(branch)))
        return branch

    def patient_object(self, row: _Fields) -> _Fields:
        original = self._original()
        names = ("first", "last") if original else ("first_name", "last_name")
        whole = {
            "patient_id": row["patient_id"],
            "name": self._branch(dict(zip(names, (row["first_name"], row["last_name"]), strict=True))),
            "dob": row["dob"],
            "gender": row["gender"],
            "location": self._branch({part: row[part] for part in ("country", "state", "city", "postal_code")}),
            "contact": self._branch({"phone": row["phone"], "email": row["email"]}),
            "emergency_person": self._branch(
                {part: row[f"emergency_{part}"] for part in ("name", "relation", "phone")}
            ),
            "insurance": self._branch({"id": row["insurance_id"], "provider": row["insurance_provider"]}),
            "primary_physician": row["primary_physician"],
            "medical_info": self._branch(self._medical_original(row) if original else self._medical_seed(row)),
        }
        places = ("patient_status", "severity", "department_admitted", "current_department", "bed_type")
        if original:
            whole["disease"] = row["disease"]
        return whole | {place: row[place] for place in places}

    def _medical_original(self, row: _Fields) -> _Fields:
        return {
            "blood_group": row["blood_group"],
            "allergies": row["allergies"],
            "bp": row["bp"],
            "hb": self._number(row["hb"]),
            "chronic_conditions": row["history"],
        }

    def _medical_seed(self, row: _Fields) -> _Fields:
        allergies: Any = row["allergies"]
        if not self.dice.hit("scalar_allergies"):
            allergies = [] if allergies == "None" else [allergies]
        chronic = row["history"]
        diseases = [row["disease"]] if chronic == "None" else [row["disease"], chronic]
        tests: _Fields = {"bp": row["bp"], "hb": self._number(row["hb"])}
        if self.rng.random() < 0.3:
            tests |= {"sugar": self._number(self.rng.randrange(70, 181)), "pulse": self.rng.randrange(55, 111)}
        return {
            "diseases": diseases[0] if len(diseases) == 1 and self.rng.random() < 0.3 else diseases,
            "allergies": allergies,
            "blood_group": row["blood_group"],
            "basic_tests": tests,
        }

    def staff(self) -> Iterator[_Fields]:
        for number in range(self.staff_count):
            member = worker(self.population, SOURCE, number, self.dice)
            yield {
                "staff_id": self.keys.staff(number),
                "first_name": member.given,
                "last_name": member.family,
                "dob": member.born.isoformat(),
                "gender": "Female" if member.sex == "F" else "Male",
                "phone": member.phone,
                "email": member.email,
                **employment(member),
            }

    def staff_object(self, row: _Fields) -> _Fields:
        contact = self._branch({"phone": row["phone"], "email": row["email"]})
        if self._original():
            return {
                "staff_id": row["staff_id"],
                "name": {"first": row["first_name"], "last": row["last_name"]},
                "dob": row["dob"],
                "gender": row["gender"],
                "department": row["department"],
                "designation": row["role"],
                "joining_date": row["joining_date"],
                "salary": self._number(row["salary"]),
                "contact": contact,
                "address": {
                    "line1": row["address_line1"],
                    "line2": row["address_line2"],
                    **{part: row[part] for part in ("city", "state", "country", "postal_code")},
                },
                "emergency_person": {part: row[f"emergency_contact_{part}"] for part in ("name", "relation", "phone")},
                "work_shift": row["shift_timing"],
            }
        shift: Any = row["shift_timing"]
        if shift in SHIFT_HOURS and self.dice.hit("shift_object"):
            start, end = SHIFT_HOURS[shift]
            shift = {"shift": shift, "start": start, "end": end}
        qualification = row["qualification"]
        return {
            "staff_id": row["staff_id"],
            "name": {"first_name": row["first_name"], "last_name": row["last_name"]},
            "contact": contact,
            "department": row["department"],
            "role": row["role"],
            "qualifications": ["MBBS", qualification] if qualification in {"MD", "MS"} else [qualification or "None"],
            "experience_years": self._number(row["experience_years"]),
            "shift_timing": shift,
        }

    def finance(self) -> Iterator[_Fields]:
        for number in range(self.bill_count):
            yield {
                "transaction_id": self.keys.finance(number),
                "patient_id": patient_key(self.population, SOURCE, self.ledger.patient(number), self.profile),
                "staff_id": self.keys.staff(self.ledger.staff(number)),
                **bill(self.rng, self.dice),
            }

    def finance_object(self, row: _Fields) -> _Fields:
        if self._original():
            return {name: self._number(row[field]) if field in _NUMBERS else row[field] for name, field in _FLAT_BILL}
        return {
            "transaction_id": row["transaction_id"],
            "patient_id": row["patient_id"],
            "billing": {
                "amount": self._number(row["amount"]),
                "currency": row["currency"],
                "billing_date": row["billing_date"],
            },
            "payment": {"payment_type": row["payment_type"], "status": row["status"]},
            "insurance": self._branch(
                {
                    "covered": row["insurance_covered"] == "Yes",
                    "provider": row["insurance_provider"],
                    "id": row["insurance_id"],
                }
            ),
            # The original's: without it no bill would name a member of staff.
            "staff_id": row["staff_id"],
        }


_FLAT_BILL = (  # the original's name, our field
    ("transaction_id", "transaction_id"),
    ("patient_id", "patient_id"),
    ("billing_date", "billing_date"),
    ("amount", "amount"),
    ("currency", "currency"),
    ("payment_method", "payment_type"),
    ("insurance_claimed", "insurance_covered"),
    ("insurance_id", "insurance_id"),
    ("insurance_provider", "insurance_provider"),
    ("service_code", "service_code"),
    ("service_description", "service_description"),
    ("department", "department"),
    ("staff_id", "staff_id"),
    ("discount_applied", "discount_applied"),
    ("net_amount", "net_amount"),
    ("tax", "tax"),
    ("total_amount", "total_amount"),
    ("payment_status", "status"),
    ("due_date", "due_date"),
    ("receipt_number", "receipt_number"),
)
