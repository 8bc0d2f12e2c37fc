"""`python -m bench.identity.default_model`: train the model that ships, on simulated hospitals of a development seed.

A value that the model does not list may be common where it is used, so it counts as fairly common. Postcodes are left
out: those of the simulation are drawn evenly, and real ones are not.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gateway.identity
from bench.identity.population import people
from gateway.identity.batch import link_all
from gateway.identity.model import Frequencies

SEED, RECORDS = 102, 100_000
LISTED = 1_500
"""Values of a column that are kept."""
UNLISTED = {"given": 0.001, "family": 0.001, "postcode": 0.001, "city": 0.05}
"""How common a value is taken to be that is not listed."""
_DIGITS = 3


def _shorter(column: str, known: Frequencies) -> Frequencies:
    listed = {} if column == "postcode" else known.values
    kept = sorted(listed.items(), key=lambda each: (-each[1], each[0]))[:LISTED]
    return Frequencies(UNLISTED[column], {value: float(f"{share:.{_DIGITS}g}") for value, share in kept})


def main() -> None:
    """Write `gateway/identity/default_model.json`."""
    model = link_all(traits for traits, _ in people(SEED, RECORDS)).model
    frequencies = {column: _shorter(column, known) for column, known in model.frequencies.items()}
    made = replace(model, frequencies=frequencies, common={"given": model.common["given"]})
    path = Path(gateway.identity.__file__).with_name("default_model.json")
    path.write_bytes(made.to_json() + b"\n")
    print(f"{path}: version {made.version}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
