"""`python -m bench [http] [searches] [sync] [startup]`: all of them write RESULTS.md; some only print.

`python -m bench NAME` for erp, growth, match and peer are apart, because of their size or of what they install: each
writes its own section, which the others leave as it is. So does `python -m bench.identity`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import api, erp, growth, match, peer, searches, startup, sync
from bench.identity.titles import TITLES
from bench.report import RESULTS, Section, document, with_former, with_section

ROUNDS = 5
SECONDS = 1.0
"""Of load a round."""
BENCHES: dict[str, Callable[[], Section]] = {
    "http": lambda: api.bench(ROUNDS, SECONDS),
    "searches": lambda: searches.bench(ROUNDS),
    "sync": lambda: sync.bench(ROUNDS),
    "startup": lambda: startup.bench(ROUNDS, SECONDS),
}


APART: dict[str, tuple[str, Callable[[], Section]]] = {
    "erp": (erp.TITLE, erp.bench),
    "growth": (growth.TITLE, lambda: growth.bench(ROUNDS)),
    "match": (match.TITLE, match.bench),
    "peer": (peer.TITLE, lambda: peer.bench(ROUNDS, SECONDS)),
}
"""Those that are measured one at a time, with the titles of their sections."""


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all that are not apart."""
    if unknown := [name for name in names if name not in {*BENCHES, *APART}]:
        print(f"bench: unknown: {', '.join(unknown)} (known: {', '.join([*BENCHES, *APART])})", file=sys.stderr)
        return 2
    sections = []
    for name in names or BENCHES:
        sections.append(APART[name][1]() if name in APART else BENCHES[name]())
        print(sections[-1].markdown(), flush=True)
    former = RESULTS.read_text()
    if not names:
        text = document(sections, ROUNDS)
        for title in (*(title for title, _ in APART.values()), *TITLES):
            text = with_former(text, title, former)
        RESULTS.write_text(text)
    elif len(names) == 1 and names[0] in APART:
        RESULTS.write_text(with_section(former, sections[0]))
    else:
        print(document(sections, ROUNDS))
    return 0 if all(goal.met for section in sections for goal in section.goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
