"""What a sync does when a source, a stream, a column or rows are not there: it deletes nothing in haste."""

from __future__ import annotations

from pathlib import Path

from gateway.store import Store
from tests.gateway.list_backed import Hospital, people, visits
from tests.gateway.syncs import hospital, run, store, whole_run
from tests.postgres import postgres_server, postgres_url, store_url

__all__ = ["hospital", "postgres_server", "postgres_url", "store", "store_url"]


def test_a_failed_read_deletes_nothing(store: Store, hospital: Hospital) -> None:
    """What was read is kept; what was not seen may still be there. The next whole read goes on."""
    hospital.streams = {"people": people(5), "visits": visits(5, 5)}
    hospital.extras = {"tokens": True}
    run(store, hospital)
    hospital.streams["people"] = [people(1)[0], {"how": "disconnects"}]
    report = run(store, hospital)
    assert not report.ok
    assert [health.status for health in report.errors] == ["transient"]
    assert report.counts.deleted == 0
    assert store.sources()[0].status == "transient"
    hospital.streams["people"] = people(5)  # as the token of the first run says
    report = run(store, hospital)
    assert report.ok
    assert report.streams[0].was_read
    assert store.sources()[0].status == "ok"


def test_a_read_that_was_cut_short_deletes_nothing(store: Store, hospital: Hospital) -> None:
    """Only a complete read proves that a row is gone."""
    hospital.streams["people"] = people(5)
    run(store, hospital)
    hospital.streams["people"] = people(2)
    hospital.extras = {"cut_short": True}
    assert run(store, hospital).counts.deleted == 0
    hospital.extras = {}
    assert run(store, hospital).counts.deleted == 3


def test_a_sudden_loss_is_held_back_until_it_is_accepted(store: Store, hospital: Hospital) -> None:
    """More than half of a stream gone, and more than a few rows, is more likely a fault than a fact."""
    hospital.streams["people"] = people(60)
    hospital.extras = {"tokens": True}
    run(store, hospital)
    hospital.streams["people"] = people(20)
    report = run(store, hospital)
    assert (report.ok, report.held_back, report.counts.deleted) == (False, 40, 0)
    assert run(store, hospital).held_back == 40
    accepted = run(store, hospital, accept_shrink=True)
    assert (accepted.ok, accepted.counts.deleted) == (True, 40)


def test_a_stream_that_is_gone_is_a_loss_too(store: Store, hospital: Hospital) -> None:
    """A table that is no longer there is reported, and its resources stay until that is accepted."""
    hospital.streams = {"people": people(3), "visits": visits(3, 3)}
    run(store, hospital)
    del hospital.streams["visits"]
    report = run(store, hospital)
    assert (report.ok, report.held_back) == (False, 3)
    assert "visits" in report.errors[0].message
    assert run(store, hospital, accept_shrink=True).counts.deleted == 3


def test_a_column_that_is_gone_is_held_back_until_it_is_accepted(store: Store, hospital: Hospital) -> None:
    """Without it resources would silently lose what it said. One more, or one under another known name, is no loss."""
    hospital.streams["people"] = people(3)
    for columns in (["key", "name"], ["key", "name", "sex"], ["key", "NAME", "sex"]):
        hospital.extras = {"columns": columns}
        assert run(store, hospital).ok
    before = store.counts()
    hospital.extras = {"columns": ["key", "sex"]}
    hospital.streams["people"] = [{"key": "0", "name": "changed"}]
    report = run(store, hospital)
    assert [each.status for each in report.errors] == ["config"]
    assert "people no longer has the column NAME" in report.errors[0].message
    assert "--accept-shrink" in report.errors[0].hint
    assert (report.counts.read, store.counts()) == (0, before)
    assert run(store, hospital).errors
    assert run(store, hospital, accept_shrink=True).ok
    assert run(store, hospital).ok


def test_a_sample_without_a_column_is_no_loss(store: Store, hospital: Hospital) -> None:
    """Documents have what they have."""
    for columns in (["key", "name"], ["key"]):
        hospital.extras = {"columns": columns, "sampled": True}
        assert run(store, hospital).ok


def test_one_sick_source_stops_no_other(store: Store, tmp_path: Path) -> None:
    """Whatever is wrong with one, the others are synced, and the report says what it is, without values."""
    hospitals = [Hospital(tmp_path / f"{name}.json", name) for name in ("missing", "breaking", "well")]
    hospitals[1].streams["people"] = [{"how": "breaks", "name": "Secret Name"}]
    hospitals[2].streams["people"] = people(2)
    for each in hospitals[1:]:
        each.write()
    report = whole_run(store, hospitals)
    assert [source.ok for source in report.sources] == [False, False, True]
    assert not report.ok
    assert report.sources[0].errors[0].hint == "write it"
    assert "ZeroDivisionError at gateway/list_backed.py" in report.sources[1].errors[0].message
    assert "Secret" not in str(report)
    assert report.sources[2].counts.created == 3
    assert {state.name: state.status for state in store.sources()} == {
        "missing": "config",
        "breaking": "config",
        "well": "ok",
    }
