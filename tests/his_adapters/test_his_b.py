"""HIS_B: the adapter contract, and each defect of its data dictionary."""

from __future__ import annotations

from tests.his_adapters.contract import AdapterContract


class TestHisB(AdapterContract):
    """Three JSON files."""

    adapter = "his_b"
    streams = ("staff", "patients", "finance")
