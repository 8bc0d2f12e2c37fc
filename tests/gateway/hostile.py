"""Requests as attackers and broken clients send them: whole HTTP, foul content. A seed makes the same ones again."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from gateway.search.parameters import SERVED_TYPES, offered

LONGEST_TARGET: Final = 60_000
"""Bytes. Beyond 64 KiB the HTTP server answers by itself."""
ENCODINGS: Final = (  # noqa: SIM905  as a list it has three times the lines
    "% %% %zz %80 %ff%fe %C0%80 %ED%A0%80 %F8%88%80%80%80 %c3 %u0041 %2525 %E2%80%AE %F0%9F%92%89 %EF%BF%BF %EF%BB%BF "
    "%0d%0aX-Evil:%20y %09 %0A %20 + %2B %26 %3D %23 %CC%81 %C4%B0 %E1%85%9F"
).split()
NULLS: Final = ("%00", "%00%00", "a%00b", "%00=%00", "%2500")
LONG: Final = (
    "a" * 10_000,
    "9" * 10_000,
    "0." + "0" * 9_998 + "1",
    "%F0%9F%98%80" * 800,
    "%CC%81" * 3_000,
    "(" * 5_000,
    "a," * 400 + "a",
    "a," * 5_000,
    "a|" * 5_000,
    "\\" * 9_999,
    "a" * 40_000,
)
SQL: Final = (
    "' OR 1=1--",
    "'; DROP TABLE resource;--",
    '" OR ""="',
    "1) UNION SELECT * FROM sqlite_master--",
    "%25",
    "_%25_",
    "a' COLLATE NOCASE--",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
)
ESCAPES: Final = (
    "\\",
    "\\\\\\",
    "\\,",
    "a\\",
    "\\|",
    "\\x",
    "$",
    "$$$",
    "|",
    "||",
    "|||",
    "a|b|c|d",
    ",",
    ",,,,",
    "a,,b",
    "*",
)
VALUES: Final = (  # noqa: SIM905  as a list it has three times the lines
    "NaN Infinity -Infinity 1e999 -1e-999 1e-400 0x10 5.4e 1..2 --1 +-1 1| |1| 1|http://unitsofmeasure.org| 1|a|b|c "
    "0000 0000-00-00 9999 9999-12-31T23:59:60Z 2024-13-45 2024-02-30 -2024 10000-01-01 2024-01-01T25:00:00Z "
    "2024-01-01T00:00:00+99:99 ge gegt2020 xx2020 sa ap apap1 eb99999999999 lt0001 gt9999-12-31T23:59:59.999999999Z "
    "ap0001 ap9999 Patient/ /Patient/1 Patient/1/2/3 http:// http:/// javascript:alert(1) urn:uuid: #x true TRUE null "
    "undefined . .. ... -"
).split()
COUNTS: Final = (  # noqa: SIM905  as a list it has three times the lines
    "-1 0 00 1 1001 99999999 999999999999999999999 1.5 1e3 %2B1 %D9%A3 abc 0x1 1,2 -0 2147483648 9223372036854775808"
).split()
RESULT: Final = (  # noqa: SIM905  as a list it has three times the lines
    "_id _count _sort _include _revinclude _include:iterate _revinclude:iterate _summary _elements _total _lastUpdated "
    "_tag _profile _security _source _text _content _query _list _has _type _format _pretty _cursor _contained _filter "
    "_since _at"
).split()
MODIFIERS: Final = (  # noqa: SIM905  as a list it has three times the lines
    ":exact :contains :missing :not :text :in :not-in :above :below :of-type :identifier :iterate :Patient :Nope "
    ":recurse :exact:exact :: :%00 . .. .name .name.name [0] :Patient. :Patient.name:exact %3Aexact"
).split()
LINKS: Final = ("subject", "patient", "encounter", "organization", "subject:Patient", "general-practitioner", "link")
DEPTHS: Final = (1, 2, 3, 6, 20, 300)
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "BREW")
OPERATIONS: Final = (  # noqa: SIM905  as a list it has three times the lines
    "$everything $validate $translate $lookup $validate-code $subsumes $expand $match $ihe-pix $export $nope $ $$ "
    "%24validate _history _history/1 _history/0 _history/99999999999999 _history/-1 _history/%00 _search"
).split()
HEADERS: Final = (
    *(
        ("Accept", value)
        for value in (
            "",
            "*",
            "text/turtle",
            "application/fhir+xml",
            "application/fhir+json;q=0",
            "application/json;q=abc",
            "a/b;q=1e9",
            "application/fhir+json; fhirVersion=9.0",
            "," * 500,
            "application/fhir+json;" * 500,
            "x" * 8_000,
            "\xff\xfe",
        )
    ),
    *(("Prefer", value) for value in ("handling=strict", "handling=", "handling=banana", ",,,,", "x" * 8_000, "\xff")),
    *(("Accept-Encoding", value) for value in ("br", "identity;q=0", "*;q=0", "gzip;q=x", "," * 900, "\xff")),
    *(("If-None-Match", value) for value in ("*", '"', 'W/"', "1", ",".join(['W/"1"'] * 500))),
    *(("If-Modified-Since", value) for value in ("x", "Mon, 99 Foo 2020", "9" * 400, "Sat, 01 Jan 99999 00:00:00 GMT")),
    *(("X-Request-Id", value) for value in ("a" * 65, "\xff", "../..", "${x}")),
    ("Range", "bytes=0-5"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Host", "evil.example"),
    ("Host", ""),
    ("X-Forwarded-Host", "evil.example"),
    ("Authorization", "Bearer " + "x" * 8_000),
    ("Cookie", "a=b;" * 2_000),
    ("Origin", "http://evil.example"),
)
MEDIA_TYPES: Final = (
    "application/fhir+json",
    "application/fhir+xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain",
    "",
    "application/fhir+json; charset=utf-16",
    "application/fhir+json; charset=nope",
    "x" * 3_000,
    "application/fhir+json;;;=",
    "\xff",
)


def _batch(*urls: Any, **more: Any) -> str:
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    return json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries, **more})


def _bomb(levels: int) -> str:
    """Entities of entities."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels))
    end = f'<Bundle xmlns="http://hl7.org/fhir"><type value="&a{levels - 1};"/></Bundle>'
    return f'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "lol">{entities}]>{end}'


_EXTERNAL: Final = (
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    '<Patient xmlns="http://hl7.org/fhir"><id value="&x;"/></Patient>'
)
BODIES: Final = (
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"resourceType": 1}',
    '{"resourceType": "Nope"}',
    '{"resourceType": "Patient", "resourceType": "Patient"}',
    '{"resourceType": "Patient", "name": [null], "birthDate": {}}',
    '{"resourceType": "Patient", "gender": "\\ud800", "id": "\\u0000"}',
    '{"resourceType": "Patient", "multipleBirthInteger": 1e999}',
    '{"resourceType": "Patient", "multipleBirthInteger": 99999999999999999999999999}',
    '{"resourceType": "Patient", "_birthDate": [null, {}]}',
    '\ufeff{"resourceType": "Patient"}',
    '{"resourceType": "Patient", "contact": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"a": ' * 5_000,
    "[ " * 200_000,
    '{"resourceType": "Patient", "name": [' + "{}," * 300_000 + "{}]}",
    '{"resourceType": "Parameters", "parameter": null}',
    '{"resourceType": "Parameters", "parameter": [{"name": ["x"], "valueString": []}]}',
    '{"resourceType": "Parameters", "parameter": [{"name": "resource"}, {"name": "coding", "valueCoding": 7}]}',
    '<Patient xmlns="http://hl7.org/fhir">' + "<contact>" * 60_000 + "</contact>" * 60_000 + "</Patient>",
    _bomb(4),
    _bomb(9),
    '<!DOCTYPE x SYSTEM "file:///etc/passwd"><Patient xmlns="http://hl7.org/fhir"/>',
    _EXTERNAL,
    "<Patient/>",
    '<Patient xmlns="http://hl7.org/fhir"><id value="1"/><id value="2"/><nope/>text</Patient>',
    '<?xml version="1.0" encoding="utf-16"?><Patient xmlns="http://hl7.org/fhir"/>',
    "<![CDATA[",
    _batch(),
    _batch("", "/", "\u0000", "%%zz%ff", "../../etc/passwd", "http://evil.example/fhir/Patient", "Patient?name=%00", 1),
    _batch(*["Patient?birthdate=junk"] * 50),
    _batch(*["Patient?_count=0"] * 1_001),
    _batch("Patient?" + "a" * 10_000, "Patient/\U0001f600"),
    _batch(type="transaction"),
    _batch(type=7),
    json.dumps({"resourceType": "Bundle", "type": "batch", "entry": {"request": None}}),
    _batch("Patient?name=\ud800"),
    "a" * 1_100_000,
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One request, ready for the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def wire(self, host: str) -> bytes:
        """The bytes to send; the connection ends with the answer."""
        given = dict((("Host", host), *self.headers, ("Connection", "close")))
        if self.body or self.method == "POST":
            given["Content-Length"] = str(len(self.body))
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        return f"{self.method} {self.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self.body


class Attacker:
    """Makes attacks from a seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def attack(self) -> Attack:
        """The next one."""
        dice = self._dice
        method = dice.choices(METHODS, (60, 5, 25, 2, 2, 2, 1, 1, 1, 1))[0]
        path, body = self._path(), b""
        headers = [dice.choice(HEADERS) for _ in range(dice.choice((0, 0, 0, 1, 1, 3)))]
        if method == "POST" or (method not in ("HEAD", "TRACE") and dice.random() < 0.05):
            path, media, body = self._sent(path)
            headers.append(("Content-Type", dice.choice(MEDIA_TYPES) if dice.random() < 0.2 else media))
            if dice.random() < 0.05:
                headers.append(("Content-Encoding", "gzip"))
                body = gzip.compress(body)
        if method != "POST" or dice.random() < 0.2:
            path += "?" + self._query()
        return Attack(method, _sendable(path), tuple(headers), body)

    def _sent(self, path: str) -> tuple[str, str, bytes]:
        """Where to, the media type and the body."""
        dice = self._dice
        if dice.random() < 0.4:
            place = dice.choice((f"/fhir/{dice.choice(SERVED_TYPES)}/_search", "/fhir/_search", path))
            return place, "application/x-www-form-urlencoded", self._query().encode("utf-8", "surrogatepass")
        body = dice.choice(BODIES)
        places = ("/fhir", "/fhir/Patient/$validate", "/fhir/ConceptMap/$translate", "/fhir/ValueSet/$expand", path)
        media = "application/fhir+xml" if body.startswith("<") else "application/fhir+json"
        sent = body.encode("utf-8", "surrogatepass")
        if dice.random() < 0.05:
            sent = bytes(each ^ 0x80 if dice.random() < 0.01 else each for each in sent[:20_000])
        return dice.choice(places), media, sent

    def _path(self) -> str:
        dice = self._dice
        kind, foul = dice.choice(SERVED_TYPES), dice.choice((*ENCODINGS, *NULLS, *SQL, *ESCAPES, "a" * 10_000))
        usual = f"/fhir/{kind}"
        return dice.choice(
            (
                *[usual] * 8,
                f"/fhir/{kind}/{foul}",
                f"/fhir/{foul}",
                f"/fhir/Patient/patient-0/{foul}",
                f"/fhir/Patient/patient-0/{dice.choice(OPERATIONS)}",
                f"/fhir/{kind}/{dice.choice(OPERATIONS)}",
                f"/fhir/{dice.choice(OPERATIONS)}",
                f"/fhir/Patient/patient-0/{kind}",
                "/fhir/Patient/patient-0/*",
                "/fhir",
                "/fhir//",
                "//fhir/Patient",
                "/fhir/../fhir/Patient",
                "/fhir/metadata",
                f"/fhir/{kind.lower()};x=y",
                "/fhir/" + "/".join(["a"] * 500),
            )
        )

    def _query(self) -> str:
        return "&".join(self._pair() for _ in range(self._dice.choice((1, 1, 1, 1, 2, 3, 20))))

    def _pair(self) -> str:
        dice = self._dice
        kind = dice.random()
        if kind < 0.3:
            name = dice.choice(RESULT)
        elif kind < 0.75:
            name = dice.choice(list(offered(dice.choice(SERVED_TYPES))))
        elif kind < 0.83:
            name = ".".join([dice.choice(LINKS)] * dice.choice(DEPTHS)) + ".name"
        elif kind < 0.92:
            name = "_has:Encounter:patient:" * dice.choice(DEPTHS) + dice.choice(("_id", "status", "nope", ""))
        else:
            name = dice.choice((*ENCODINGS, *NULLS, *SQL, *ESCAPES))
        if dice.random() < 0.35:
            name += dice.choice(MODIFIERS)
        family = dice.choice((ENCODINGS, NULLS, LONG, SQL, ESCAPES, VALUES, VALUES))
        value = dice.choice(COUNTS) if "_count" in name else dice.choice(family)
        if dice.random() < 0.2:
            value = dice.choice(("ge", "lt", "ne", "ap", "zz", "-", "")) + value
        return f"{name}={value}"


def _sendable(target: str) -> str:
    """What the HTTP server lets through: it refuses blanks, quotes and angle brackets by itself."""
    return quote(target, safe="".join({*map(chr, range(33, 127))} - {*'"<>'}))[:LONGEST_TARGET]
