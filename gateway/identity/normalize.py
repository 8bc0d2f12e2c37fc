"""Phones, e-mail addresses, dates, identifiers and addresses as they are compared; placeholders become nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from gateway.identity.names import listed, words

_DIGITS = re.compile(r"\D+")
_SUBSCRIBER = 10
"""Digits by which numbers are compared: sources write the same number with and without country code and trunk zero."""
_FEWEST = 6
_RISING = "0123456789012345678901234567890"
_NO_MAILBOX = listed("none noemail no unknown test na nomail noreply")
_NO_BIRTH_DATES = frozenset(("1900-01-01", "1899-12-31", "1899-12-30", "1800-01-01"))
_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$")
_POSTCODE = re.compile(r"\b\d{5,6}(?:-\d{4})?\b(?!.*\b\d{5})")
_HOUSE = re.compile(r"\d+[a-z]?$")
_REGIONS = listed("""india unitedstates usa us unitedkingdom uk maharashtra gujarat karnataka kerala tamilnadu telangana
    andhrapradesh madhyapradesh uttarpradesh rajasthan punjab haryana bihar jharkhand odisha westbengal assam
    chhattisgarh uttarakhand himachalpradesh jammuandkashmir""")
"""States and countries that follow the city in an address of one line."""


@dataclass(frozen=True, slots=True)
class Address:
    """A place; each part may be empty."""

    street: str = ""
    number: str = ""
    city: str = ""
    postcode: str = ""
    state: str = ""


def _is_filler(text: str) -> bool:
    """Whether the digits are all the same, or count up."""
    digits = _DIGITS.sub("", text)
    return bool(digits) and len(digits) == len(text) and (len(set(digits)) == 1 or digits in _RISING)


@lru_cache(maxsize=1 << 12)
def phone(text: str) -> str:
    """The national number without trunk zeros, at most its last ten digits; "" when there is none.

    A number in international form is parted by its country's plan. Others are not: sources prefix them with anything.
    """
    digits = _DIGITS.sub("", text)
    if text.lstrip().startswith("+") or (digits.startswith("00") and len(digits) > _SUBSCRIBER + 2):
        try:
            parsed = phonenumbers.parse(f"+{digits.lstrip('0')}")
        except phonenumbers.NumberParseException:
            pass
        else:
            digits = str(parsed.national_number)
    digits = digits[-_SUBSCRIBER:].lstrip("0")
    return "" if len(digits) < _FEWEST or _is_filler(digits) else digits


def email(text: str) -> str:
    """The address in lower case; "" when it is none or nobody's."""
    made = text.strip().lower()
    mailbox, at, domain = made.partition("@")
    return "" if not (mailbox and at and "." in domain) or mailbox in _NO_MAILBOX else made


def birth_date(text: str) -> tuple[str, bool]:
    """(ISO date or "", whether its day is a default): 1 January stands for an unknown day, as does a partial date."""
    found = _DATE.match(text)
    if not found or text in _NO_BIRTH_DATES:
        return "", False
    year, month, day = found.groups()
    if month is None or day is None:
        return f"{year}-01-01", True
    return text, (month, day) == ("01", "01")


def identifier(text: str) -> str:
    """Letters and digits in upper case; "" for fillers such as 000-00-0000."""
    made = "".join(words(text)).upper()
    return "" if len(made) < 4 or _is_filler(made) else made


def postcode(text: str) -> str:
    """Letters and digits; a US extension goes."""
    made = "".join(words(text.partition("-")[0] if text[:5].isdigit() else text))
    return "" if _is_filler(made) else made


def address(line: str, city: str, code: str, state: str, text: str = "") -> Address:
    """An address of its parts; what they leave open is taken from the text: `Pune, Maharashtra, 41101`."""
    if text and not (line or city or code):
        line, city, code = _parted(text)
    street, number = _street(line)
    return Address(street, number, "".join(words(city)), postcode(code), "".join(words(state)))


def _parted(text: str) -> tuple[str, str, str]:
    found = _POSTCODE.search(text)
    code = found[0] if found else ""
    rest = text[: found.start()] + text[found.end() :] if found else text
    parts = [part.strip() for part in rest.split(",")]
    lines = [part for part in parts if any(map(str.isdigit, part))]
    named = [part for part in parts if part and part not in lines]
    places = [part for part in named if not _is_region(part)]
    if places and len(places) == len(named):  # a state and a country that no table knows
        places = places[: max(1, len(places) - 2)]
    return " ".join(lines), places[-1] if places else "", code


def _is_region(part: str) -> bool:
    return "".join(words(part)) in _REGIONS or (len(part) == 2 and part.isupper())


def _street(line: str) -> tuple[str, str]:
    found = words(line)
    number = next((word for word in found if _HOUSE.match(word)), "")
    return "".join(word for word in found if word != number), number
