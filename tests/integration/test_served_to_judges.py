"""Every resource that is served, in JSON and in XML, as others judge it: fhir.resources (R4B) and npm's fhir."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient
from lxml import etree

from gateway.app import create_app
from gateway.interactions.xml_elements import FHIR_NAMESPACE
from gateway.search.parameters import SERVED_TYPES
from gateway.settings import Settings
from his_adapters.error_rates import PROFILES
from mappers.fhir.check import check, judge
from tests.integration.hospitals import opened_store, simulate_all, synced
from tests.node_programs import run

PAGE = 500


def served_resources(client: FlaskClient, resource_type: str) -> Iterator[tuple[bytes, bytes]]:
    """Each resource of a type as JSON and as XML, as pages of searches have them."""
    address: str | None = f"/fhir/{resource_type}?_count={PAGE}"
    while address is not None:
        page = orjson.loads(client.get(address).data)
        in_xml = etree.fromstring(client.get(address, headers={"Accept": "application/fhir+xml"}).data)
        resources = in_xml.findall("f:entry/f:resource/*", {"f": FHIR_NAMESPACE})
        for entry, resource in zip(page.get("entry", []), resources, strict=True):
            yield orjson.dumps(entry["resource"]), etree.tostring(resource, with_tail=False)
        address = next((each["url"] for each in page["link"] if each["relation"] == "next"), None)


@pytest.mark.soak
@pytest.mark.parametrize("profile", PROFILES)
def test_all_judges_accept_all_that_is_served(profile: str, tmp_path: Path) -> None:
    """Hospitals of 300 patients each: neither our check nor a judge finds a fault, and XML says what JSON says."""
    simulate_all(tmp_path / "stores", 300, profile)
    with closing(opened_store(tmp_path / "gateway.db")) as store:
        assert synced(store, tmp_path / "stores").ok
    app = create_app(Settings(file=tmp_path / "gateway.toml", store=f"sqlite:///{tmp_path / 'gateway.db'}"))
    with closing(app.extensions["fhir_gateway"].store):
        client = app.test_client()
        seen = 0
        for resource_type in SERVED_TYPES:
            both = list(served_resources(client, resource_type))
            seen += len(both)
            for body, _ in both:
                assert check(orjson.loads(body)) == []
                assert judge(orjson.loads(body)) == []
            lines = b"\n".join(orjson.dumps({"json": body.decode(), "xml": xml.decode()}) for body, xml in both)
            complaints = run("judge.js", lines=lines.decode())
            assert len(complaints) == len(both)
            assert [each for each in complaints if each] == []
        assert seen > 10_000
