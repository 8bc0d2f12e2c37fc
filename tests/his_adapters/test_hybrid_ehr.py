"""Hybrid EHR: the adapter contract on its embedded store."""

from __future__ import annotations

from tests.his_adapters.contract import AdapterContract

STREAMS = ("doctors", "patients", "appointments", "medical_records", "prescriptions", "billing", "clinical_notes")


class TestHybridEhr(AdapterContract):
    """One SQLite file and one export of the notes."""

    adapter = "hybrid_ehr"
    streams = STREAMS
