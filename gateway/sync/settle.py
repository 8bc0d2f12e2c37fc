"""After the read: what is gone is deleted, and references, shared resources and orphans are brought in order.

Every step asks the store what is left to do, in batches: a run that was killed half way is finished by the next one.
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.store import Writer
from gateway.store.row_map import unpack
from gateway.sync.links import refers_to
from gateway.sync.publish import Publication
from gateway.sync.report import Counts

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
    writer: Writer, publication: Publication, source: str, counts: Counts, hospital: Collection[int] | None
) -> None:
    """Make every literal reference resolve. With `hospital`, all was read: unused shared resources but it go."""
    _lose(writer, publication, source, counts)
    while True:
        with writer.batch():
            found = writer.references.resolvable(source, _PAGE)
            publication.make_literal(found, counts)
        if not found:
            break
    if hospital is not None:
        while _collect(writer, publication, source, counts, hospital):
            _lose(writer, publication, source, counts)
    with writer.batch():
        writer.references.list_orphans(source)


def _lose(writer: Writer, publication: Publication, source: str, counts: Counts) -> None:
    while True:
        with writer.batch():
            lost = writer.references.to_deleted(source, _PAGE)
            publication.make_logical(lost, counts)
        if not lost:
            return


def _collect(writer: Writer, publication: Publication, source: str, counts: Counts, hospital: Collection[int]) -> bool:
    """Delete shared resources that nobody refers to; whether there were any, for they may have referred to others."""
    with writer.batch():
        unused = [pk for pk in writer.references.shared(source) if pk not in hospital and not _is_used(writer, pk)]
        publication.delete(unused, counts)
    return bool(unused)


def _is_used(writer: Writer, pk: int) -> bool:
    """Whether a living resource refers to it. Former referrers found on the way are forgotten."""
    target = writer.whole([pk])[0]
    after, former = 0, []
    while referrers := writer.references.referrers(pk, after, 50):
        for each in writer.whole(referrers):
            if each.body is not None and refers_to(each.body, (target.type, target.id)):
                return True
        former += referrers
        after = referrers[-1]
    writer.references.remove([(pk, referrer) for referrer in former])
    return False
