"""After the read: what is gone is deleted, and references, shared resources and orphans are brought in order.

Every step asks the store what is left to do, in batches: a run that was killed half way is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.store import Writer
from gateway.store.row_map import unpack
from gateway.sync.publish import Publication
from gateway.sync.report import Counts
from gateway.sync.steps import Steps

_PAGE = 500


def drop_unseen(
    writer: Writer, publication: Publication, stream: int, run: int, counts: Counts, bearable_loss: int
) -> int:
    """Delete what rows made that this run has not seen; how many rows were held back because there are too many."""
    with writer.batch():
        unseen = writer.rows.unseen(stream, run)
        if unseen > bearable_loss:
            return unseen
        writer.quarantine.release_unseen(stream, run)
    while unseen:
        with writer.batch():
            page = writer.rows.unseen_page(stream, run, _PAGE)
            publication.delete([pk for _, owned in page for pk in unpack(owned)], counts)
            writer.rows.remove(stream, [key for key, _ in page])
            unseen = len(page)
    return 0


def settle(
    writer: Writer,
    publication: Publication,
    steps: Steps,
    source: str,
    counts: Counts,
    hospital: Collection[int] | None,
) -> None:
    """Make every literal reference resolve. With `hospital`, all was read: unused shared resources but it go."""
    while True:
        with writer.batch():
            found = writer.references.resolvable(source, _PAGE)
            publication.make_literal(found, counts)
        if not found:
            break
    _lose(writer, publication, steps, source, counts)
    if hospital is not None:
        while _collect(writer, publication, steps, source, counts, hospital):
            # What is gone may have been the last that referred to another one. Nobody refers to it: none to mend.
            continue
    with writer.batch():
        writer.references.list_orphans(source)


def _lose(writer: Writer, publication: Publication, steps: Steps, source: str, counts: Counts) -> None:
    """Make references to deleted resources logical. The index knows all referrers of what is referred to literally."""
    after = 0
    while True:
        with writer.batch():
            gone = writer.references.deleted(source, after, _PAGE)
            lost = [(resource_type, resource_id) for _, resource_type, resource_id in gone]
            referrers = steps.referrers(writer.connection, lost) if lost else []
        for start in range(0, len(referrers), _PAGE):
            with writer.batch():
                publication.make_logical(referrers[start : start + _PAGE], set(lost), counts)
        if not gone:
            return
        after = gone[-1][0]


def _collect(
    writer: Writer,
    publication: Publication,
    steps: Steps,
    source: str,
    counts: Counts,
    hospital: Collection[int],
) -> bool:
    """Delete shared resources that nobody refers to; whether there were any."""
    with writer.batch():
        shared = {(kind, name): pk for pk, kind, name in writer.references.shared(source) if pk not in hospital}
        unused = steps.unreferred(writer.connection, list(shared))
        publication.delete([shared[target] for target in unused], counts)
    return bool(unused)
