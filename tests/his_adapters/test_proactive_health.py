"""ProactiveHealth: the adapter contract, and the law that nobody is ever given another patient's rows."""

from __future__ import annotations

from pathlib import Path

from his_adapters.base import Adapter
from his_adapters.proactive_health.tables import TABLES
from tests.his_adapters.contract import PATIENTS, AdapterContract, fingerprints, opened, simulated


class TestProactiveHealth(AdapterContract):
    """22 tables in CSV files, some in parts."""

    adapter = "proactive_health"
    streams = (
        *("DPMT", "VNDR", "STFF", "ROMS", "MDCN", "EQPM", "ALGY", "PATN", "PTAL", "INSR", "APPT", "MEDT", "VIST"),
        *("DIAG", "TRTM", "TMMD", "BILL", "MDBL", "PMNT", "SPLY", "INVN", "VPMT"),
    )

    def test_the_change_token_changes_with_the_store(self, source: Adapter, tmp_path: Path, profile: str) -> None:
        """A token changes when, and only when, a file changes that decides what the stream's records say."""
        tokens = {stream: source.change_token(stream) for stream in self.streams}
        before = fingerprints(tmp_path)
        simulated(self.adapter, tmp_path / "store", profile, patients=2 * PATIENTS)
        after = fingerprints(tmp_path)
        again = opened(self.adapter, tmp_path / "store")
        changed = {Path(path).stem.split("_")[3] for path in before | after if before.get(path) != after.get(path)}
        assert len(changed) > 15
        for table in TABLES:
            stream = table.dataset.name
            touched = not changed.isdisjoint({stream, *table.needs})
            assert (again.change_token(stream) != tokens[stream]) == touched
