"""HIS_C: the adapter contract."""

from __future__ import annotations

from tests.his_adapters.contract import AdapterContract


class TestHisC(AdapterContract):
    """Three CSV files."""

    adapter = "his_c"
    streams = ("staff", "patients", "finance")
