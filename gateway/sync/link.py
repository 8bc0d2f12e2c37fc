"""A link run: all records at once, with a model trained on them, and what follows for who is who.

Holds the store's writer from beginning to end, so that nobody changes what the run compares. What a killed run leaves
behind is consistent, and the next run goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from gateway.identity.batch import BatchResult, Report, link_all
from gateway.identity.changes import Changes, changes
from gateway.identity.crosswalk import Authority, Crosswalk
from gateway.identity.decide import AUTO
from gateway.identity.linker import evidence
from gateway.identity.models import Published, publish, published
from gateway.identity.reviews import Finding, Reviews
from gateway.identity.roster import Roster, unpacked
from gateway.identity.scoring import Scorer
from gateway.identity.weighed import Engine, Link, Progress, choice
from gateway.identity.whole import all_rulings, everybody, person_of_everybody
from gateway.store import Store, Writer
from gateway.store.sql import WriterSql
from gateway.sync.people import People
from gateway.sync.report import PeopleReport
from gateway.sync.steps import PRODUCT, Steps

ACTOR = "link"
_PAGE = 500


@dataclass(slots=True)
class LinkReport:
    """What a link run found and changed."""

    run: Report
    model: int
    """The number of the model that decided; 0 = the one that ships."""
    persons_before: int
    merges: int
    """Persons that were taken up into another one."""
    link_questions: int
    """Two persons that may be one: people are asked."""
    split_questions: int
    """Persons that may be two: people are asked."""
    people: PeopleReport = field(default_factory=PeopleReport)
    seconds: float = 0.0


def link(
    store: Store,
    *,
    keep_model: bool = False,
    progress: Progress = lambda _: None,
    engine: Engine | None = None,
    steps: Steps = PRODUCT,
) -> LinkReport:
    """Link everybody anew. `keep_model`: with the model that decides now, without training one. Raises StoreError.

    `engine` weighs the pairs (None = DuckDB).
    """
    started = time.monotonic()
    with store.writer() as writer:
        people = People(writer, steps)
        people.catch_up()
        run = _Run(writer)
        result = run.compare(progress, engine, keep_model=keep_model)
        progress("merge")
        report = run.apply(result)
        progress("write")
        people.settle()
    report.people = people.report
    report.seconds = time.monotonic() - started
    return report


class _Run:
    def __init__(self, writer: Writer) -> None:
        self._writer, self._sql = writer, WriterSql(writer.connection)
        with writer.connection.begin():
            self._before = published(self._sql)
            self._person_of = person_of_everybody(self._sql)
            # The others hold again when their records are back.
            rulings = all_rulings(self._sql).items()
            self._rulings = {two: same for two, same in rulings if self._person_of.keys() >= set(two)}

    def compare(self, progress: Progress, engine: Engine | None, *, keep_model: bool) -> BatchResult:
        """Block, train, score, decide and cluster, bound by what people have ruled about records that live."""
        with self._writer.connection.begin():
            return link_all(
                everybody(self._sql),
                self._before.model if keep_model else None,
                must_links=[two for two, same in self._rulings.items() if same],
                cannot_links=[two for two, same in self._rulings.items() if not same],
                fallback=self._before.model,
                progress=progress,
                engine=engine,
            )

    def apply(self, result: BatchResult) -> LinkReport:
        """Publish the model, merge what is surely one person, ask about the rest."""
        decided = self._publish(result)
        scorer = Scorer(decided.model, choice(decided.model, result.report.records))

        def weigh(one: str, two: str) -> float:
            entries = Roster(self._sql).entries([one, two])
            return scorer.compare(unpacked(entries[one].traits), unpacked(entries[two].traits)).weight

        with self._writer.connection.begin():
            found = changes(result, self._person_of, self._rulings, weigh, decided.number)
        for at in range(0, len(found.merges), _PAGE):
            with self._writer.batch():
                self._merge(found.merges[at : at + _PAGE], scorer, decided.number)
        with self._writer.batch():
            self._ask(found.findings)
        return self._report(result, decided, found)

    def _publish(self, result: BatchResult) -> Published:
        if result.model.version == self._before.model.version:
            return self._before
        with self._writer.batch():
            number = publish(self._sql, result.model, asdict(result.report), self._writer.now)
            crosswalk = Crosswalk(self._sql, self._writer.now)
            crosswalk.note_model(number, Authority(ACTOR, f"trained on {result.report.records} records"))
            crosswalk.flush()
        return Published(number, result.model)

    def _merge(self, links: Sequence[Link], scorer: Scorer, number: int) -> None:
        crosswalk = Crosswalk(self._sql, self._writer.now)
        entries = Roster(self._sql).entries([record for each in links for record in (each.a, each.b)])
        for each in links:
            persons = {member.person for member in crosswalk.known([each.a, each.b]).values()}
            one, two = (scorer.known(entries[record].traits)[1] for record in (each.a, each.b))
            why = evidence(number, each.b, scorer.weigh(one, two).weight, scorer.fields(one, two))
            crosswalk.merge(persons, Authority(ACTOR, f"the weight reaches {AUTO:.0f}", why))
        crosswalk.flush()

    def _ask(self, findings: Sequence[Finding]) -> None:
        """Ask what is found; what stood open and is not asked again is moot."""
        reviews = Reviews(self._sql, self._writer.now)
        asked = {(each.one, each.other) for each in findings}
        open_tasks = reviews.page("open", reviews.waiting())
        stale = [task for task in open_tasks if (task.first, task.second) not in asked]
        reviews.close(stale, "moot", ACTOR, "a run over all records does not ask it")
        reviews.open(findings)

    def _report(self, result: BatchResult, decided: Published, found: Changes) -> LinkReport:
        splits = sum(each.question == "split" for each in found.findings)
        return LinkReport(
            run=result.report,
            model=decided.number,
            persons_before=len(set(self._person_of.values())),
            merges=len(found.merges),
            link_questions=len(found.findings) - splits,
            split_questions=splits,
        )
