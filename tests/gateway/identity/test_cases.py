"""Named cases: what the model that ships and the guards do with pairs that linkage is known to get wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.identity.decide import Action, Guard, decide
from gateway.identity.model import default_model
from gateway.identity.scoring import Scorer
from tests.gateway.identity.people import person

SCORER = Scorer(default_model())
HOME = {"phone": "9823011122", "city": "Pune", "postcode": "411014"}
AUTO, REVIEW, APART = Action.AUTO, Action.REVIEW, Action.APART

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], Action, set[Guard]]] = {
    "the same in two hospitals": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", **HOME},
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", **HOME},
        AUTO,
        set(),
    ),
    "twins": (
        {"given": "Arjun", "family": "Deshmukh", "born": "2006-05-30", "gender": "male", **HOME},
        {"given": "Rohan", "family": "Deshmukh", "born": "2006-05-30", "gender": "male", **HOME},
        REVIEW,
        {Guard.TWINS, Guard.TOO_LITTLE_AGREES},
    ),
    "a slip in the given name": (
        {"given": "Rosalind", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", "city": "Pune"},
        {"given": "Rosalin", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", "city": "Pune"},
        AUTO,
        set(),
    ),
    "twins whose names begin alike": (
        {"given": "Isha", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", "city": "Pune"},
        {"given": "Ishani", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", "city": "Pune"},
        REVIEW,
        {Guard.ALIKE},
    ),
    "twins whose names are much alike, on their family's phone": (
        {"given": "Isha", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", **HOME},
        {"given": "Ishani", "family": "Quillfeather", "born": "2006-05-30", "gender": "female", **HOME},
        REVIEW,
        {Guard.ALIKE},
    ),
    "twins, a boy and a girl": (
        {"given": "Arjun", "family": "Deshmukh", "born": "2006-05-30", "gender": "male", **HOME},
        {"given": "Meera", "family": "Deshmukh", "born": "2006-05-30", "gender": "female", **HOME},
        APART,
        {Guard.TWINS, Guard.GENDER_CONFLICT, Guard.TOO_LITTLE_AGREES},
    ),
    "Jr and Sr of one birthday": (
        {"given": "Edmund", "family": "Quillfeather Jr", "born": "1975-09-12", "gender": "male", **HOME},
        {"given": "Edmund", "family": "Quillfeather Sr", "born": "1975-09-12", "gender": "male", **HOME},
        REVIEW,
        {Guard.GENERATION_CONFLICT},
    ),
    "father and son of one name": (
        {"given": "Edmund", "family": "Quillfeather", "born": "1948-04-03", "gender": "male", **HOME},
        {"given": "Edmund", "family": "Quillfeather", "born": "1975-09-12", "gender": "male", **HOME},
        APART,
        set(),
    ),
    "mother and daughter": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", "gender": "female", **HOME},
        {"given": "Meera", "family": "Deshmukh", "born": "1999-11-02", "gender": "female", **HOME},
        APART,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "strangers of one name": (
        {"given": "Mohammed", "family": "Khan", "born": "1970-03-09", "phone": "9823011122", "city": "Pune"},
        {"given": "Mohammed", "family": "Khan", "born": "1981-10-21", "phone": "9191044455", "city": "Mumbai"},
        APART,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "strangers of one name, and mailboxes of one pattern": (
        {"given": "Khalid", "family": "Ansari", "born": "1987-08-14", "gender": "male", "email": "kh.ansari227@ex.org"},
        {"given": "Khalid", "family": "Ansari", "born": "1939-04-18", "gender": "male", "email": "kh.ansari237@ex.org"},
        APART,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "a slip in the mailbox": (
        {"given": "Khalid", "family": "Ansari", "born": "1987-08-14", "gender": "male", "email": "kh.ansari227@ex.org"},
        {"given": "Khalid", "family": "Ansari", "born": "1987-08-14", "gender": "male", "email": "kh.anasri227@ex.org"},
        AUTO,
        set(),
    ),
    "strangers of one name and no more": (
        {"given": "Mohammed", "family": "Khan"},
        {"given": "Mohammed", "family": "Khan"},
        APART,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "a married name, and the phone is hers": (
        {"given": "Anjali", "family": "Deshmukh", "born": "1978-02-07", "gender": "female", "phone": "7396888130"},
        {"given": "Anjali", "family": "Quillfeather", "born": "1978-02-07", "gender": "female", "phone": "7396888130"},
        AUTO,
        set(),
    ),
    "a married name, and nothing else": (
        {"given": "Anjali", "family": "Deshmukh", "born": "1978-02-07", "gender": "female"},
        {"given": "Anjali", "family": "Quillfeather", "born": "1978-02-07", "gender": "female"},
        REVIEW,
        {Guard.OTHER_FAMILY_NAME},
    ),
    "a married name, and the former one is known": (
        {"given": "Anjali", "family": "Deshmukh", "born": "1978-02-07", "gender": "female"},
        {
            "name": [{"given": ["Anjali"], "family": "Quillfeather"}, {"given": ["Anjali"], "family": "Deshmukh"}],
            "born": "1978-02-07",
            "gender": "female",
        },
        AUTO,
        set(),
    ),
    "day and month swapped": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", **HOME},
        {"given": "Asha", "family": "Deshmukh", "born": "1970-09-03", **HOME},
        AUTO,
        set(),
    ),
    "given and family name swapped": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", **HOME},
        {"given": "Deshmukh", "family": "Asha", "born": "1970-03-09", **HOME},
        AUTO,
        set(),
    ),
    "transliterated": (
        {"given": "Mohammed", "family": "Al-Rashid", "born": "1970-03-09", "gender": "male"},
        {"given": "محمد", "family": "الراشد", "born": "1970-03-09", "gender": "male"},
        AUTO,
        set(),
    ),
    "transliterated, and the vowels differ": (
        {"given": "Lakshmi", "family": "Choudhury", "born": "1970-03-09", "gender": "female"},
        {"given": "Laxmi", "family": "Chaudhuri", "born": "1970-03-09", "gender": "female"},
        AUTO,
        set(),
    ),
    "two spellings that many bear, of a family name spelled alike": (
        {"given": "Joanna", "family": "Quillfeather", "born": "1970-03-09", "gender": "female"},
        {"given": "Joanne", "family": "Quillfeather", "born": "1970-03-09", "gender": "female"},
        REVIEW,
        {Guard.ALIKE},
    ),
    "two spellings that many bear, and the phone is the same": (
        {"given": "Joanna", "family": "Quillfeather", "born": "1970-03-09", "phone": "7396888130"},
        {"given": "Joanne", "family": "Quillfeather", "born": "1970-03-09", "phone": "7396888130"},
        AUTO,
        set(),
    ),
    "twins whose names are one letter apart": (
        {"given": "Kavya", "family": "Deshmukh", "born": "2019-11-02", "gender": "female", **HOME},
        {"given": "Kamya", "family": "Deshmukh", "born": "2019-11-02", "gender": "female", **HOME},
        REVIEW,
        {Guard.ALIKE},
    ),
    "twins whose names begin differently, unknown to any table": (
        {"given": "Rohit", "family": "Deshmukh", "born": "2019-11-02", "gender": "male", **HOME},
        {"given": "Mohit", "family": "Deshmukh", "born": "2019-11-02", "gender": "male", **HOME},
        REVIEW,
        {Guard.ALIKE},
    ),
    "transliterated, and the first letters differ": (
        {"given": "Yasmin", "family": "Quillfeather", "born": "1970-03-09", "gender": "female"},
        {"given": "Jasmin", "family": "Quillfeather", "born": "1970-03-09", "gender": "female"},
        AUTO,
        set(),
    ),
    "one name that is spelled in many ways": (
        {"given": "Mohammed", "family": "Quillfeather", "born": "1970-03-09", "gender": "male"},
        {"given": "Muhammad", "family": "Quillfeather", "born": "1970-03-09", "gender": "male"},
        AUTO,
        set(),
    ),
    "a slip that makes no name": (
        {"given": "Kavya", "family": "Deshmukh", "born": "2019-11-02", "gender": "female", **HOME},
        {"given": "Kabya", "family": "Deshmukh", "born": "2019-11-02", "gender": "female", **HOME},
        AUTO,
        set(),
    ),
    "a nickname, and the phone is the same": (
        {"given": "Elizabeth", "family": "Quillfeather", "born": "1970-03-09", "phone": "7396888130"},
        {"given": "Liz", "family": "Quillfeather", "born": "1970-03-09", "phone": "7396888130"},
        AUTO,
        set(),
    ),
    "a newborn without a name": (
        {"given": "Baby Girl", "family": "Deshmukh", "born": "2025-08-14", "gender": "female", **HOME},
        {"given": "Meera", "family": "Deshmukh", "born": "2025-08-14", "gender": "female", **HOME},
        REVIEW,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "a newborn and its mother": (
        {"given": "Baby Girl", "family": "Deshmukh", "born": "2025-08-14", "gender": "female", **HOME},
        {"given": "Asha", "family": "Deshmukh", "born": "1995-03-09", "gender": "female", **HOME},
        APART,
        {Guard.TOO_LITTLE_AGREES},
    ),
    "a couple on one phone": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", "gender": "female", "phone": "9823011122"},
        {"given": "Ravi", "family": "Deshmukh", "born": "1968-12-01", "gender": "male", "phone": "9823011122"},
        APART,
        {Guard.GENDER_CONFLICT, Guard.TOO_LITTLE_AGREES},
    ),
    "a default birth date": (
        {"given": "Asha", "family": "Deshmukh", "born": "1970-01-01", "gender": "female", **HOME},
        {"given": "Asha", "family": "Deshmukh", "born": "1970-03-09", "gender": "female", **HOME},
        AUTO,
        set(),
    ),
    "no birth date, but name and phone": (
        {"given": "Asha", "family": "Deshmukh", "phone": "9823011122"},
        {"given": "Asha", "family": "Deshmukh", "phone": "9823011122"},
        REVIEW,
        set(),
    ),
}


def decided(one: dict[str, Any], other: dict[str, Any]) -> tuple[Action, set[Guard], float]:
    a, b = person(**one, resource_id="a", source="north"), person(**other, resource_id="b", source="south")
    compared = SCORER.compare(a, b)
    assert SCORER.compare(b, a).weight == compared.weight
    found = decide(compared)
    return found.action, set(found.guards), compared.weight


@pytest.mark.parametrize(("one", "other", "action", "guards"), CASES.values(), ids=CASES)
def test_a_case_goes_where_it_should(
    one: dict[str, Any], other: dict[str, Any], action: Action, guards: set[Guard]
) -> None:
    """Linked, asked about or kept apart, and for the right reason."""
    found, raised, weight = decided(one, other)
    assert (found, raised) == (action, guards), f"weight {weight:.1f}"
