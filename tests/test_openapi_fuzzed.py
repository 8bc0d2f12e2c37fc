"""schemathesis makes requests out of `openapi.yaml`, such as it describes and such as it rules out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

import pytest
import schemathesis
import yaml
from flask import Flask
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.gateway.interactions.served import served

FILE = Path(__file__).parent.parent / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LONGEST = 2.0
"""Seconds."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with served(tmp_path_factory.mktemp("served")) as app:
        yield app


def fuzz(app: Flask, cases: int) -> None:
    """Send seeded cases of all operations; each answer is as described, and quick."""
    schema = schemathesis.openapi.from_dict(yaml.load(FILE.read_text(), yaml.CSafeLoader))
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    each = [one.as_strategy(generation_mode=mode) for one in operations for mode in GenerationMode]
    assert len(operations) > 300
    seen = 0

    @seed(20_260_115)
    @settings(max_examples=cases, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(each).flatmap(lambda strategy: strategy))
    def answered(case: Case) -> None:
        nonlocal seen
        # What the testers keep of 20,000 cases is a gigabyte in this process, and 2 s to look through for garbage. A
        # server has none of it: its time is taken without.
        gc.disable()
        started = perf_counter()
        try:
            response = case.call(headers={"Accept-Encoding": "identity"})
            took = perf_counter() - started
        finally:
            gc.enable()
        assert took < LONGEST, f"{took:.3f} s"
        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 400 or b"OperationOutcome" in response.content
        seen += 1

    run: Callable[[], None] = answered
    run()
    assert seen >= 0.9 * cases


def test_answers_are_as_described(app: Flask) -> None:
    """No 5xx, only the statuses, media types, headers and schemas of the document, an OperationOutcome for each 4xx."""
    fuzz(app, 100)


@pytest.mark.soak
def test_many_answers_are_as_described(app: Flask) -> None:
    """The same for 20,000 cases."""
    fuzz(app, 20_000)
