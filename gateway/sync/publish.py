"""The writing side for resources: one comparison decides versions, one lookup a batch decides references.

Called inside a batch of the writer; the index follows the store in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.identity.linker import Arrival
from gateway.identity.person import decorated, decoration
from gateway.store import Writer
from gateway.store.writer import Content, Current, Whole
from gateway.sync.content import content, parse, whole
from gateway.sync.events import Draft
from gateway.sync.links import Target, attach, detach
from gateway.sync.people import People, Shown
from gateway.sync.report import Counts
from gateway.sync.steps import Steps

_REMEMBERED = 100_000
_STALE = {"system": "urn:fhir-gateway:tag", "code": "stale", "display": "Stale"}


class _Form(NamedTuple):
    """A draft as its references allow."""

    content: Content
    index: Any
    dangling: Sequence[tuple[str, Target]]


class Publication:
    """Publishes one source's resources."""

    def __init__(self, writer: Writer, source: str, steps: Steps, people: People) -> None:
        self._writer, self._source, self._steps, self._people = writer, source, steps, people
        self._targets: set[Target] = set()
        """Resources that are known to live: what is referred to once is referred to again."""
        self._former_targets: set[Target] = set()

    def publish(
        self, drafts: Sequence[Draft], counts: Counts, index: Any = None, *, reindex: bool = False
    ) -> list[int]:
        """Write what is new or has changed; the pks of all, in order. No two drafts are of one resource.

        `index` holds the rows of the drafts whose index is a number.
        """
        identities = [(draft.content.type, draft.content.id) for draft in drafts]
        here = set(identities)
        unknown = {target for draft in drafts for target in draft.targets if not self._recall(target)} - here
        current = self._writer.current(here | unknown)
        self._targets.update(target for target in unknown if _lives(current.get(target)))
        forms = [self._form(draft, here) for draft in drafts]
        arrivals: list[Arrival] = []

        created: list[_Form] = []
        replaced: list[tuple[Current, _Form]] = []
        indexed: list[tuple[int, Any]] = []
        unsettled: list[int] = []
        for identity, draft, form in zip(identities, drafts, forms, strict=True):
            before = current.get(identity)
            is_new = before is None or before.deleted or before.digest != form.content.digest
            if is_new and draft.notes is not None:
                arrivals.append(Arrival(form.content.id, self._source, draft.notes))
            if before is None:
                created.append(form)
            elif is_new:
                replaced.append((before, form))
            else:
                counts.unchanged += 1
                if reindex and not form.dangling and draft.notes is None:
                    indexed.append((before.pk, form.index))
                elif reindex:
                    unsettled.append(before.pk)
        if arrivals:
            shown = self._people.arrive(arrivals)
            created = [self._decorated(form, shown) for form in created]
            replaced = [(before, self._decorated(form, shown)) for before, form in replaced]
        pks = {identity: current[identity].pk for identity in identities if identity in current}
        pks.update(
            zip(
                ((form.content.type, form.content.id) for form in created),
                self._writer.create(self._source, [form.content for form in created]),
                strict=True,
            )
        )
        self._writer.replace([(before, form.content) for before, form in replaced])
        self._writer.references.forget([before.pk for before, _ in replaced])
        counts.created += len(created) + sum(before.deleted for before, _ in replaced)
        counts.changed += sum(not before.deleted for before, _ in replaced)
        self._targets.update(pks)

        written = created + [form for _, form in replaced]
        self._writer.references.put_dangling(
            [
                (pks[form.content.type, form.content.id], path, *target, self._source)
                for form in written
                for path, target in form.dangling
            ]
        )
        # The target may have gone in this very run: what is stored is literal still, and is mended by its index rows.
        # And what is stored of a person says who it is.
        indexed += [
            (stored.pk, self._steps.index_rows(parse(stored.body)))
            for stored in self._writer.whole(unsettled)
            if stored.body is not None
        ]
        again = [before.pk for before, _ in replaced if not before.deleted] + [pk for pk, _ in indexed]
        fresh = [(pks[form.content.type, form.content.id], form.index) for form in written]
        self._steps.write_index(self._writer.connection, fresh + indexed, again, index)
        return [pks[identity] for identity in identities]

    def delete(self, pks: Sequence[int], counts: Counts) -> None:
        """Delete resources that live."""
        gone = self._writer.delete(pks)
        for _, resource_type, resource_id in gone:
            self._targets.discard((resource_type, resource_id))
            self._former_targets.discard((resource_type, resource_id))
        if gone:
            self._steps.write_index(self._writer.connection, (), [pk for pk, _, _ in gone])
        if patients := [resource_id for _, resource_type, resource_id in gone if resource_type == "Patient"]:
            self._people.leave(patients)
        counts.deleted += len(gone)

    def tag_stale(self, pks: Sequence[int], counts: Counts) -> None:
        """Say that the row these were made of has changed into one that cannot be used."""
        changes = []
        for before in self._writer.whole(pks):
            if before.body is not None:
                resource = parse(before.body)
                tags = resource["meta"].setdefault("tag", [])
                if _STALE not in tags:
                    tags.append(_STALE)
                    # No mapped content has this digest: when the row is good again, that is a change.
                    changes.append((before, resource, b"stale"))
        self._rewrite(changes, counts)

    def make_logical(self, referrers: Sequence[int], lost: set[Target], counts: Counts) -> None:
        """Turn these resources' references to deleted ones into logical ones."""
        changes, dangling = [], []
        for before in self._writer.whole(referrers):
            if before.body is not None:
                resource = parse(before.body)
                if detached := detach(resource, lost):
                    dangling += [(before.pk, path, *target, self._source) for path, target in detached]
                    changes.append((before, resource, before.digest))
        self._rewrite(changes, counts)
        self._writer.references.put_dangling(dangling)

    def make_literal(self, found: Sequence[tuple[int, str, str, str]], counts: Counts) -> None:
        """Turn logical references whose target is there into literal ones: (referrer pk, path, type, id)."""
        places: dict[int, list[tuple[str, Target]]] = {}
        for referrer, path, resource_type, resource_id in found:
            places.setdefault(referrer, []).append((path, (resource_type, resource_id)))
        changes = []
        for before in self._writer.whole(list(places)):
            if before.body is not None:
                resource = parse(before.body)
                attach(resource, places[before.pk])
                changes.append((before, resource, before.digest))
        self._rewrite(changes, counts)
        self._writer.references.remove_dangling([(referrer, path) for referrer, path, *_ in found])

    def _rewrite(self, changes: Iterable[tuple[Whole, dict[str, Any], bytes]], counts: Counts) -> None:
        """Write next versions that the engine itself made of stored ones."""
        replacements, additions = [], []
        for before, resource, digest in changes:
            made = content(resource, shared=before.shared, stream=before.stream, key=before.key, digest=digest)
            replacements.append((Current(before.pk, before.version, before.deleted, before.digest), made))
            additions.append((before.pk, self._steps.index_rows(resource)))
        if replacements:
            self._writer.replace(replacements)
            self._steps.write_index(self._writer.connection, additions, [pk for pk, _ in additions])
            counts.changed += len(replacements)

    def _form(self, draft: Draft, here: set[Target]) -> _Form:
        missing = [target for target in draft.targets if target not in here and not self._recall(target)]
        if not missing:
            return _Form(draft.content, draft.index, ())
        resource = whole(draft.content)
        dangling = detach(resource, set(missing))
        old = draft.content
        made = content(resource, shared=old.shared, stream=old.stream, key=old.key, digest=old.digest)
        return _Form(made, self._steps.index_rows(resource), dangling)

    def _decorated(self, form: _Form, shown: Mapping[str, Shown]) -> _Form:
        """A Patient says whose it is; anything else stays as it is."""
        old = form.content
        if old.type != "Patient" or old.id not in shown:
            return form
        patient, told = whole(old), shown[old.id]
        resource = decorated(patient, *told)
        made = content(resource, shared=old.shared, stream=old.stream, key=old.key, digest=old.digest)
        if "link" in patient:  # of which some are not kept
            return _Form(made, self._steps.index_rows(resource), form.dangling)
        return _Form(made, self._steps.gained_rows(form.index, old.type, decoration(*told)), form.dangling)

    def _recall(self, target: Target) -> bool:
        return target in self._targets or target in self._former_targets

    def forget_some(self) -> None:
        """Between batches: keep what was used of late, in bounded memory."""
        if len(self._targets) > _REMEMBERED:
            self._former_targets, self._targets = self._targets, set()


def _lives(current: Current | None) -> bool:
    return current is not None and not current.deleted
