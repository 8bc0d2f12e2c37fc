"""Streams the objects of a JSON file in constant memory: an array, one object after another, or an enveloped array.

UTF-8 with or without a byte order mark, pretty-printed or not. A file that ends too early or is no JSON raises; an
element that is no object, is nested too deeply or is too long is told as such, and the reading goes on. Knows no HIS.
https://www.rfc-editor.org/rfc/rfc8259, https://jsonlines.org/
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from his_adapters.base import Problem, SourceConfigError, SourceError, SourceTransientError

CHUNK = 1 << 16
"""Characters read at once."""
LONGEST = 1 << 20
"""Characters of one element; a hospital's object has about a thousand."""

_BLANK = " \t\r\n\ufeff"
_NOT_BLANK = re.compile(rf"[^{_BLANK}]")
_ENVELOPE = re.compile(
    rf'\{{[{_BLANK}]*"(?:[^"\\]|\\.){{0,200}}"[{_BLANK}]*:[{_BLANK}]*(?=\[[{_BLANK}]*(?:\{{|\][{_BLANK}]*\}}))'
)
_OUTSIDE_TEXT = re.compile(r'["{}\[\]]')
_INSIDE_TEXT = re.compile(r'["\\]')
_LONGEST_TOKEN = 16
"""`-Infinity`, `\\ud83d\\ude00`: an error this near to the end of what was read may be the end's fault."""
_LONGEST_NUMBER = 40
"""Characters, and places before or after the point."""
_NO_NUMBER = Decimal("NaN")
_TOO_LONG = Problem("", "too-long", f"the element has more than {LONGEST} characters")
_EXPORT_AGAIN = "the export was cut off or is still being written: export the file again"
_MEND = "mend the file or export it again as UTF-8 JSON"
_RIGHTS = "give the gateway's user read rights"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the file."""

    number: int
    """From 1 on, in the order of the file."""
    value: dict[str, Any]
    """Numbers with a fraction are Decimal; what JSON does not know (NaN) or nobody can mean is Decimal("NaN")."""
    digest: bytes
    """Of the element's own text."""
    size: int
    """In characters."""
    problem: Problem | None = None
    """Why it cannot be used; `value` is empty then."""


def elements(path: Path, chunk: int = CHUNK) -> Iterator[Element]:
    """Every element of the file, in order. Raises SourceError, at the latest where the file stops being JSON."""
    with _opened(path) as file:
        before = os.fstat(file.fileno())
        try:
            yield from _Reader(file, path, chunk).elements()
        except SourceConfigError:
            if _has_changed(file, before):
                raise _changed(path) from None
            raise
        if _has_changed(file, before):
            raise _changed(path)


def check_ending(path: Path) -> None:
    """Raise SourceConfigError when the file's last character shows that it was cut off: a look that costs nothing."""
    with _opened(path) as file:
        file.buffer.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
        end = file.buffer.read().rstrip()
    if end and not end.endswith((b"]", b"}")):
        raise SourceConfigError("the JSON does not end", str(path), _EXPORT_AGAIN)


def file_digest(path: Path) -> str:
    """A digest of the file's bytes."""
    with _opened(path) as file:
        digest = _digest("")
        while block := file.buffer.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """The open file; what the operating system says against it comes out as SourceError."""
    try:
        # Bytes that are not UTF-8 become U+FFFD: one bad cell must not stop a source.
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield file
    except FileNotFoundError:
        raise SourceConfigError("no such file", str(path), "check the source's path") from None
    except PermissionError:
        raise SourceConfigError("the file cannot be read", str(path), _RIGHTS) from None
    except (IsADirectoryError, NotADirectoryError):
        raise SourceConfigError("not a file", str(path), "check the source's path") from None
    except OSError as error:
        raise SourceTransientError(
            f"the file cannot be read ({error.strerror})", str(path), "check the disk or mount"
        ) from None


def _has_changed(file: TextIO, before: os.stat_result) -> bool:
    now = os.fstat(file.fileno())
    return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def _changed(path: Path) -> SourceError:
    return SourceTransientError(
        "the file changed while it was read", str(path), "the hospital is writing; sync again later"
    )


def _exact(text: str) -> Decimal:
    """A number with its digits; NaN for one so long, so large or so small that nobody means it."""
    try:
        number = Decimal(text[:_LONGEST_NUMBER])
        exponent = number.as_tuple().exponent
    except ArithmeticError:
        return _NO_NUMBER
    fits = len(text) <= _LONGEST_NUMBER and isinstance(exponent, int) and abs(exponent) <= _LONGEST_NUMBER
    return number if fits else _NO_NUMBER


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_NUMBER else _NO_NUMBER


# A raw line break in a text breaks the rules but hides nothing (strict=False).
_DECODER = json.JSONDecoder(parse_float=_exact, parse_int=_whole, parse_constant=Decimal, strict=False)


class _Reader:
    """The part of the file that is looked at: `text` from `at` on. Drops what is behind whenever it reads on."""

    def __init__(self, file: TextIO, path: Path, chunk: int) -> None:
        self._file, self._path, self._chunk = file, path, chunk
        self._text, self._at, self._line, self._ended, self._number = "", 0, 1, False, 0

    def elements(self) -> Iterator[Element]:
        first = self._peek()
        if first == "[":
            yield from self._array()
        elif first == "{":
            yield from self._envelope() if self._in_envelope() else self._objects()
        elif first:
            raise self._broken("neither an array nor an object", self._at)
        else:
            raise SourceConfigError("the file is empty", str(self._path), _EXPORT_AGAIN)
        if self._peek():
            raise self._broken("something stands after the end of the JSON", self._at)

    def _objects(self) -> Iterator[Element]:
        while self._peek():
            yield self._element()

    def _array(self) -> Iterator[Element]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._peek()
            yield self._element()
            if self._after_element() == "]":
                return

    def _after_element(self) -> str:
        mark = self._peek()
        if not mark:
            raise self._cut_off()
        if mark not in ",]":
            raise self._broken("Expecting ',' delimiter", self._at)
        self._at += 1
        return mark

    def _in_envelope(self) -> bool:
        while not self._ended and len(self._text) - self._at < 1024:
            self._more()
        return _ENVELOPE.match(self._text, self._at) is not None

    def _envelope(self) -> Iterator[Element]:
        if name := _ENVELOPE.match(self._text, self._at):
            self._at = name.end()
        yield from self._array()
        mark = self._peek()
        if not mark:
            raise self._cut_off()
        if mark != "}":
            raise self._broken("the object around the array holds something else too", self._at)
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no blank, without taking it; "" at the end."""
        while not (found := _NOT_BLANK.search(self._text, self._at)):
            self._at = len(self._text)
            if not self._more():
                return ""
        self._at = found.start()
        return found[0]

    def _more(self) -> bool:
        """Read on, twice as far as before where one element is long; False at the end of the file."""
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :], 0
        read = self._file.read(max(self._chunk, len(self._text)))
        self._text += read
        self._ended = not read
        return bool(read)

    def _element(self) -> Element:
        self._number += 1
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                return self._skipped(Problem("", "too-deep", "the object is nested too deeply"))
            except json.JSONDecodeError as error:
                if not error.msg.startswith("Unterminated") and error.pos < len(self._text) - _LONGEST_TOKEN:
                    raise self._broken(error.msg, error.pos) from None
                if self._ended:
                    raise self._ended_early(error) from None
            else:
                # `1` may be the beginning of `1.5e3`.
                if isinstance(value, dict) or self._ended or self._text[end:].strip("0123456789.eE+-"):
                    return self._made(value, end)
            if len(self._text) - self._at > LONGEST:
                return self._skipped(_TOO_LONG)
            self._more()

    def _made(self, value: Any, end: int) -> Element:
        digest = _digest(self._text[self._at : end]).digest()
        size, self._at = end - self._at, end
        if size > LONGEST:  # whether it fitted into what was read does not count
            return Element(self._number, {}, digest, size, _TOO_LONG)
        if isinstance(value, dict):
            return Element(self._number, value, digest, size)
        return Element(self._number, {}, digest, size, Problem("", "not-an-object", "the element is no object"))

    def _skipped(self, problem: Problem) -> Element:
        """Pass over an element without keeping it."""
        if self._text[self._at] not in '{["':
            raise self._broken(problem.reason, self._at)
        first_line = self._line + self._text.count("\n", 0, self._at)
        digest, size, span = _digest(""), 0, _Span()
        while (end := span.end(self._text, self._at)) is None:
            digest.update(self._text[self._at :].encode())
            size, self._at = size + len(self._text) - self._at, len(self._text)
            if not self._more():
                raise self._cut_off(first_line)
        digest.update(self._text[self._at : end].encode())
        size, self._at = size + end - self._at, end
        return Element(self._number, {}, digest.digest(), size, problem)

    def _ended_early(self, error: json.JSONDecodeError) -> SourceConfigError:
        if error.msg.startswith("Unterminated") or error.pos >= len(self._text.rstrip(_BLANK)):
            return self._cut_off()
        return self._broken(error.msg, error.pos)

    def _broken(self, what: str, at: int) -> SourceConfigError:
        line = self._line + self._text.count("\n", 0, at)
        return SourceConfigError(f"not sound JSON ({what})", f"{self._path}, line {line}", _MEND)

    def _cut_off(self, line: int | None = None) -> SourceConfigError:
        line = line or self._line + self._text.count("\n")
        return SourceConfigError("the JSON does not end", f"{self._path}, line {line}", _EXPORT_AGAIN)


class _Span:
    """Finds where an element ends by its quotes and brackets alone, piece by piece."""

    def __init__(self) -> None:
        self._depth, self._in_text, self._escaped = 0, False, False

    def end(self, text: str, at: int) -> int | None:
        """The place after the element's last character; None when it goes on beyond this piece."""
        if self._escaped:
            at += 1
            self._escaped = False
        while found := (_INSIDE_TEXT if self._in_text else _OUTSIDE_TEXT).search(text, at):
            at = found.end()
            mark = found[0]
            if mark == "\\":
                self._escaped = at == len(text)
                at += 1
            elif mark == '"':
                self._in_text = not self._in_text
            else:
                self._depth += 1 if mark in "{[" else -1
            if self._depth == 0 and not self._in_text:
                return at
        return None


def _digest(text: str) -> hashlib.blake2b:
    return hashlib.blake2b(text.encode(), digest_size=16)
