"""One record of every stream beside the resources that it becomes, to be read by a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mappers import installed
from mappers.fhir.check import judge
from tests.mappers.mapped import Mapped, mapped_store

PROFILES = ("seed", "original")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("adapter", installed())
def test_golden(adapter: str, profile: str, tmp_path: Path, golden: Callable[[str, Any], None]) -> None:
    """The richest of the first records of a stream and its resources stand in `tests/golden/<source>/`."""
    compare_with_golden(adapter, profile, mapped_store(adapter, tmp_path, profile, 20), golden)


def compare_with_golden(
    adapter: str, profile: str, everyone: Iterable[Mapped], golden: Callable[[str, Any], None]
) -> None:
    """Compare a store's records and their resources with the golden files, whichever engine holds the store."""
    richest: dict[str, Mapped] = {}
    for one in everyone:
        known = richest.setdefault(one.record.stream, one)
        if len(one.own) > len(known.own):
            richest[one.record.stream] = one
    for stream, one in richest.items():
        for made in one.own + one.shared:
            assert judge(made) == []
        native = {name: str(value) for name, value in asdict(one.record.data).items() if value is not None}
        issues = [asdict(issue) for issue in one.report.issues]
        golden(
            f"{adapter}/{profile}-{stream}",
            {"native": native, "resources": one.own, "shared": one.shared, "issues": issues},
        )
