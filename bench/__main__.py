"""`python -m bench [http] [sync] [startup]`: all of them write RESULTS.md; some only print."""

from __future__ import annotations

import sys
from collections.abc import Callable

from bench import api, startup, sync
from bench.report import RESULTS, Section, document

ROUNDS = 5
SECONDS = 1.0
"""Of load a round."""
BENCHES: dict[str, Callable[[], Section]] = {
    "http": lambda: api.bench(ROUNDS, SECONDS),
    "sync": lambda: sync.bench(ROUNDS),
    "startup": lambda: startup.bench(ROUNDS, SECONDS),
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"bench: unknown: {', '.join(unknown)} (known: {', '.join(BENCHES)})", file=sys.stderr)
        return 2
    sections = []
    for name in names or BENCHES:
        sections.append(BENCHES[name]())
        print(sections[-1].markdown(), flush=True)
    text = document(sections, ROUNDS)
    print(text)
    if not names:
        RESULTS.write_text(text)
    return 0 if all(goal.met for section in sections for goal in section.goals) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
