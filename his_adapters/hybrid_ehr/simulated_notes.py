"""The simulated clinic's notes as its three generations of writers left them in MongoDB. Knows no store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from his_adapters.error_rates import Dice

_SYMPTOMS = ("fever", "cough", "headache", "fatigue", "nausea", "joint pain", "itching", "dizziness")
_TEXTS = (
    "Patient reports {} since yesterday. Advised rest and fluids.",
    "Seen for {}. Examination otherwise unremarkable.",
    "Complains of {}; no red flags. Review in two weeks.",
    "Known patient, today {}. Medication continued.",
)
_FILES = (("report.pdf", "Lab report"), ("xray.png", "X-ray, two views"), ("scan.jpg", None))
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the database's clock is UTC and says so nowhere
_ZONE = timedelta(hours=5, minutes=30)


class NoteWriter:
    """Writes the notes of medical records."""

    def __init__(self, rng: Random, dice: Dice) -> None:
        self._rng, self._dice = rng, dice
        self._count = 0
        self._former: dict[str, Any] | None = None

    def of(self, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The notes of one record: most have one."""
        for _ in range(2 if self._dice.hit("several_notes") else 1):
            yield self._note(record)
        self._former = record

    def _note(self, record: dict[str, Any]) -> dict[str, Any]:
        rng, hit = self._rng, self._dice.hit
        self._count += 1
        symptoms = rng.sample(_SYMPTOMS, rng.randrange(1, 4))
        patient: Any = record["patient_id"]
        uuid: str | None = record["record_uuid"]
        if hit("wrong_uuid"):
            uuid = rng.choice((None, "", "n/a", uuid[:-1] if uuid else None))
        elif hit("deleted_record"):
            uuid = str(UUID(int=rng.getrandbits(128), version=4))
        elif self._former and self._former["patient_id"] != patient and hit("another_patients_record"):
            uuid = self._former["record_uuid"]
        moment = datetime.fromisoformat(record["created_at"]) - _ZONE
        note: dict[str, Any] = {
            "_id": self._id(),
            "record_uuid": uuid,
            "patient_id": self._patient(patient),
            "doctor_id": {"$numberInt": str(record["doctor_id"])},
            "note_text": rng.choice(_TEXTS).format(" and ".join(symptoms)),
            **self._parts(symptoms, moment),
            "created_at": self._moment(moment),
        }
        if uuid is None:
            del note["record_uuid"]
        return note

    def _id(self) -> Any:
        number = f"{0x65A0_0000 + self._count:08x}{self._rng.getrandbits(64):016x}"
        return number if self._dice.hit("text_id") else {"$oid": number}

    def _patient(self, key: str) -> Any:
        """Relaxed and canonical numbers, and what other writers make of them."""
        if not key.isdecimal() or key.startswith("0") or self._dice.hit("number_as_text"):
            return key
        return self._rng.choice((int(key), {"$numberInt": key}, {"$numberLong": key}, {"$numberDouble": f"{key}.0"}))

    def _moment(self, moment: datetime) -> Any:
        if self._dice.hit("naive_time"):
            return moment.isoformat()
        milliseconds = int((moment - _EPOCH) / timedelta(milliseconds=1))
        return self._rng.choice(({"$date": f"{moment.isoformat()}Z"}, {"$date": {"$numberLong": str(milliseconds)}}))

    def _parts(self, symptoms: list[str], moment: datetime) -> dict[str, Any]:
        if self._dice.hit("empty_note"):
            return self._rng.choice(({}, {"observations": {}, "attachments": []}, {"observations": []}))
        if self._dice.hit("older_shape"):
            return self._older(symptoms, moment)
        found: dict[str, Any] = {
            "bp": self._pressure(),
            "temp": self._temperature(),
            "pulse": self._rng.choice((self._pulse(), {"$numberInt": str(self._pulse())})),
            "symptoms": symptoms,
        }
        if self._rng.random() < 0.1:
            found["spo2"] = self._rng.randrange(92, 100)
        return {"observations": found, "attachments": [self._attachment() for _ in range(self._rng.randrange(2))]}

    def _older(self, symptoms: list[str], moment: datetime) -> dict[str, Any]:
        listed = [("bp", "118/76"), ("pulse", str(self._pulse())), *(("symptom", each) for each in symptoms)]
        found = [
            {"type": kind, "value": value, "ts": self._moment(moment) if place == 0 else None}
            for place, (kind, value) in enumerate(listed)
        ]
        name, caption = self._rng.choice(_FILES)
        attachment = {"type": "file", "path": f"uploads/{name}", "caption": caption}
        return {"observations": found, "attachments": [attachment] if self._rng.random() < 0.5 else []}

    def _pressure(self) -> Any:
        high, low = self._rng.randrange(100, 160), self._rng.randrange(60, 95)
        if self._dice.hit("odd_pressure"):
            return self._rng.choice(
                (f"{high} / {low} mmHg", [high, low], {"systolic": high, "diastolic": low}, f"{high}", "not taken")
            )
        return f"{high}/{low}"

    def _temperature(self) -> Any:
        celsius = round(self._rng.uniform(36, 39.5), 1)
        if self._dice.hit("fahrenheit"):
            celsius = round(celsius * 9 / 5 + 32, 1)
        return self._rng.choice((celsius, {"$numberDouble": str(celsius)}))

    def _pulse(self) -> int:
        return self._rng.randrange(55, 110)

    def _attachment(self) -> dict[str, Any]:
        name, caption = self._rng.choice(_FILES)
        base = f"https://files.example.org/{self._count}"
        if self._dice.hit("relative_file"):
            base = self._rng.choice(("uploads", "./files", "http://old-server.invalid/files"))
        return {"file_name": name, "file_url": f"{base}/{name}", "caption": caption}
