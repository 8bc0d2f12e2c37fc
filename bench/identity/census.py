"""Files of the simulated US census and of two offices, written as CSV by the package pseudopeople.

`unseen` runs this as a program in the environment that has the package; it knows nothing of the gateway. A file holds
each person once, as two hospitals do that know no patient twice: of several rows the first counts.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pseudopeople

SEED = 2020
"""Of the slips; the second taking of a census has the next one."""
_YEAR, _LATER = 2020, 2030
_PERSON = {"given": ("first_name", "middle_initial"), "family": ("last_name",), "gender": ("sex",)}
_HOME = {
    "number": ("street_number",),
    "street": ("street_name", "unit_number"),
    "city": ("city",),
    "state": ("state",),
    "postcode": ("zipcode",),
}
_PO_BOX = "mailing_address_po_box"
_MAILING = {field: tuple(f"mailing_address_{column}" for column in columns) for field, columns in _HOME.items()}
_MAILING["street"] += (_PO_BOX,)
_AMERICAN, _PLAIN = r"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{4})", r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"


def main(folder: Path) -> None:
    """Write all files."""
    files = {
        "census": _census(_YEAR, SEED),
        "again": _census(_YEAR, SEED + 1),
        "later": _census(_LATER, SEED),
        "security": _security(),
        "tax": _tax(),
    }
    for at, (name, rows) in enumerate(files.items()):
        made = rows.sample(frac=1, random_state=SEED + at)  # neither place nor id tells who it is
        made.insert(0, "id", [f"{name}-{row}" for row in range(len(made))])
        made.insert(1, "source", name)
        made.to_csv(folder / f"{name}.csv", index=False)


def _census(year: int, seed: int) -> pd.DataFrame:
    rows = pseudopeople.generate_decennial_census(year=year, seed=seed)
    return _file(rows, {**_PERSON, **_HOME}, _AMERICAN)


def _security() -> pd.DataFrame:
    rows = pseudopeople.generate_social_security(year=_YEAR, seed=SEED)
    columns = {**_PERSON, "given": ("first_name", "middle_name"), "identifier": ("ssn",)}
    return _file(rows, columns, _PLAIN)


def _tax() -> pd.DataFrame:
    rows = pseudopeople.generate_taxes_w2_and_1099(year=_YEAR, seed=SEED)
    rows[_PO_BOX] = "PO Box " + rows[_PO_BOX].astype(object)
    columns = {"given": _PERSON["given"], "family": _PERSON["family"], **_MAILING, "identifier": ("ssn",)}
    return _file(rows, columns, None)


def _file(rows: pd.DataFrame, columns: Mapping[str, tuple[str, ...]], date: str | None) -> pd.DataFrame:
    """The fields that the gate reads; what is not there is empty. A date that slips have made none is left out."""
    rows = rows.drop_duplicates("simulant_id")
    made = pd.DataFrame({"entity": rows["simulant_id"]})
    for field, parts in columns.items():
        made[field] = rows[list(parts)].astype(object).fillna("").agg(" ".join, axis=1).str.strip()
    if date:
        found = rows["date_of_birth"].astype(object).fillna("").str.extract(f"^{date}$")
        made["birth_date"] = (found["year"] + found["month"] + found["day"]).fillna("")
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]))
