"""The tests that every adapter passes: subclass AdapterContract and name the adapter.

The laws are those of `his_adapters.base.Adapter`.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest

from his_adapters import adapter_module, simulator_module
from his_adapters.base import Adapter, Checkpoint, Record, Rejected, Skipped, SourceConfig, SourceError, SourceName
from his_adapters.error_rates import PROFILES
from his_adapters.population import Population

PATIENTS = 40


def simulated(adapter: str, folder: Path, profile: str, patients: int = PATIENTS) -> dict[str, int]:
    """Write a small store of an adapter; the rows by table."""
    population = Population(11, {adapter: patients})
    written: dict[str, int] = simulator_module(adapter).simulate(
        population, folder, patients=patients, profile=profile, seed=11
    )
    return written


def opened(adapter: str, path: Path | None) -> Adapter:
    """The adapter over a store."""
    config = SourceConfig(SourceName("site"), adapter, path=path, timezone="Asia/Kolkata")
    made: Adapter = adapter_module(adapter).open_source(config)
    return made


def everything(adapter: Adapter) -> list[Record | Rejected | Skipped]:
    """All that an adapter reads, stream after stream, without checkpoints."""
    return [
        each
        for stream in adapter.streams()
        for each in adapter.read(stream.name, None)
        if not isinstance(each, Checkpoint)
    ]


def fingerprints(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder."""
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


class AdapterContract:
    """Subclasses set `adapter`, and `streams` in the order in which they must be read."""

    adapter: str
    streams: Sequence[str]

    @pytest.fixture(params=PROFILES)
    def profile(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def written(self, tmp_path: Path, profile: str) -> dict[str, int]:
        return simulated(self.adapter, tmp_path / "store", profile)

    @pytest.fixture
    def source(self, tmp_path: Path, written: dict[str, int]) -> Adapter:
        return opened(self.adapter, tmp_path / "store")

    def test_a_sound_store_is_well_within_two_seconds(self, source: Adapter) -> None:
        started = time.monotonic()
        assert source.check().status == "ok"
        assert time.monotonic() - started < 2

    def test_streams_come_in_order_with_their_keys(self, source: Adapter) -> None:
        found = source.streams()
        assert [stream.name for stream in found] == list(self.streams)
        assert all(stream.key and stream.fields and stream.fingerprint for stream in found)

    def test_every_column_is_told(self, source: Adapter) -> None:
        """Those that are read with their field; a stream's fields are columns, or hold columns: `contact.phone`."""
        found = source.columns()
        assert {column.stream for column in found} == set(self.streams)
        for stream in source.streams():
            read = {re.split(r"[.[]", each.name)[0] for each in found if each.stream == stream.name and each.field}
            read |= {each.name for each in found if each.stream == stream.name and each.field}
            assert set(stream.fields) <= read

    def test_every_row_is_told_exactly_once(self, source: Adapter, written: dict[str, int]) -> None:
        """rows read = records + rejects + skips, as many as the simulator wrote."""
        counted = Counter(each.stream for each in everything(source))
        assert dict(counted) == written

    def test_a_read_ends_with_a_complete_checkpoint(self, source: Adapter) -> None:
        for stream in self.streams:
            told = list(source.read(stream, None))
            assert [each.complete for each in told if isinstance(each, Checkpoint)] == [True]
            assert isinstance(told[-1], Checkpoint)

    def test_two_reads_tell_the_same(self, source: Adapter) -> None:
        assert everything(source) == everything(source)

    def test_records_have_text_keys_digests_and_places(self, source: Adapter) -> None:
        for each in everything(source):
            assert all(isinstance(part, str) and part for part in each.key)
            assert each.locator
            if isinstance(each, Record):
                assert each.key
            if isinstance(each, Record | Rejected):
                assert len(each.digest) == 16
            if isinstance(each, Rejected):
                assert each.problems
                assert all(problem.rule and problem.reason for problem in each.problems)

    def test_places_are_unique(self, source: Adapter) -> None:
        """A locator leads to one row, unless the store repeats a key."""
        places = Counter(each.locator for each in everything(source))
        keys = Counter((each.stream, each.key) for each in everything(source))
        repeated = sum(count - 1 for count in keys.values() if count > 1)
        assert sum(count - 1 for count in places.values()) <= repeated

    def test_nothing_is_written(self, source: Adapter, tmp_path: Path) -> None:
        before = fingerprints(tmp_path)
        source.check()
        everything(source)
        for stream in self.streams:
            source.change_token(stream)
        assert fingerprints(tmp_path) == before

    def test_the_change_token_holds_while_nothing_changes(self, source: Adapter, tmp_path: Path) -> None:
        tokens = [source.change_token(stream) for stream in self.streams]
        assert [opened(self.adapter, tmp_path / "store").change_token(stream) for stream in self.streams] == tokens

    def test_the_change_token_changes_with_the_store(self, source: Adapter, tmp_path: Path, profile: str) -> None:
        tokens = [source.change_token(stream) for stream in self.streams]
        simulated(self.adapter, tmp_path / "store", profile, patients=2 * PATIENTS)
        again = opened(self.adapter, tmp_path / "store")
        assert all(again.change_token(stream) != token for stream, token in zip(self.streams, tokens, strict=True))

    def test_problems_never_carry_values(self, source: Adapter) -> None:
        """No text of a native row of some length is quoted in a reason."""
        for each in everything(source):
            if isinstance(each, Record):
                reasons = " ".join(problem.reason for problem in each.notes)
                values = [value for value in _texts(each.data) if len(value) > 6]
                assert not [value for value in values if value in reasons]

    def test_a_missing_folder_is_said_with_a_hint(self, tmp_path: Path) -> None:
        source = opened(self.adapter, tmp_path / "nowhere")
        health = source.check()
        assert health.status == "config"
        assert "nowhere" in health.message
        assert health.hint
        with pytest.raises(SourceError, match="nowhere"):
            source.streams()
        with pytest.raises(SourceError, match="nowhere"):
            source.columns()

    def test_no_path_is_said(self) -> None:
        health = opened(self.adapter, None).check()
        assert health.status == "config"
        assert "path" in f"{health.message} {health.hint}"

    def test_an_empty_folder_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        health = opened(self.adapter, tmp_path / "empty").check()
        assert health.status == "config"
        assert health.hint


def _texts(data: object) -> list[str]:
    return [value for name in getattr(data, "__slots__", ()) if isinstance(value := getattr(data, name), str)]
