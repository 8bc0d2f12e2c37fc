"""The gateway's own code tables, stored as what they are: they are read, searched and versioned as all resources.

Written by the first sync and by the first one after a change of the tables; no source has any part in them.
"""

from __future__ import annotations

from gateway.store import Writer
from gateway.sync.content import content
from gateway.sync.events import Draft
from gateway.sync.people import People
from gateway.sync.publish import Publication
from gateway.sync.report import Counts
from gateway.sync.steps import Steps
from mappers.terminology.resources import META_SOURCE

_FACT = "terminology"


def publish_terminology(writer: Writer, steps: Steps, people: People) -> None:
    """Bring the code tables in the store up to date. A table that is no longer shipped is deleted."""
    digest = steps.terminology_digest()
    with writer.connection.begin():
        if writer.states.fact(_FACT) == digest:
            return
    drafts = []
    for resource in steps.terminology():
        if findings := steps.check(resource):
            raise ValueError(f"{resource['id']} is not valid: {findings[0].path} {findings[0].reason}")
        drafts.append(Draft(content(resource, shared=True), steps.index_rows(resource), ()))
    with writer.batch():
        publication = Publication(writer, META_SOURCE, steps, people)
        current = set(publication.publish(drafts, Counts(), reindex=True))
        publication.delete([pk for pk, _, _ in writer.references.shared(META_SOURCE) if pk not in current], Counts())
        writer.states.keep_fact(_FACT, digest)
