from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.store import Store
from tests.gateway.interactions.served import served


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with served(tmp_path_factory.mktemp("served")) as app:
        yield app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def store(app: Flask) -> Store:
    return app.extensions["fhir_gateway"].store


class Bundles:
    """Reads JSON, and walks a bundle's pages by their links."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, **options: Any) -> dict[str, Any]:
        response = self._client.get(path, **options)
        assert response.status_code == 200, response.data
        return orjson.loads(response.data)

    def walk(self, path: str) -> list[dict[str, Any]]:
        """Every page, by following `next`."""
        pages = [self.get(path)]
        while following := link(pages[-1], "next"):
            pages.append(self.get(following))
        return pages


@pytest.fixture
def bundles(client: FlaskClient) -> Bundles:
    return Bundles(client)


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((each["url"] for each in bundle["link"] if each["relation"] == relation), None)


def outcome(response: TestResponse) -> dict[str, Any]:
    """The first issue of the OperationOutcome that every error has to be."""
    assert response.headers["Content-Type"] == "application/fhir+json; charset=utf-8"
    body = orjson.loads(response.data)
    assert body["resourceType"] == "OperationOutcome"
    return body["issue"][0]
