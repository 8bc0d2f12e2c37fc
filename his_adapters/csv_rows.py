"""Takes one CSV file apart into rows of text cells, in constant memory, and says where quoting or encoding is broken.

A quote that is opened and not closed would swallow the rest of a file, and every row in it would seem deleted: that is
an error of the file (SourceConfigError). A broken row that ends on its own line is told as such, and the rows after it
are read.

Which bytes a text is made of is not guessed. A file is UTF-8 unless the caller names an encoding. One case is provable
enough to do without: when every byte above 0x7F in the whole file is a dash, quote, bullet, ellipsis or dagger on which
all Windows code pages 1250 to 1258 agree and which no ISO 8859 text has, these bytes are read as such. Any other
byte that is not UTF-8 becomes U+FFFD, and the row says in which cells.
https://www.rfc-editor.org/rfc/rfc4180, https://encoding.spec.whatwg.org/#legacy-single-byte-encodings
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple, TextIO

from his_adapters.base import SourceConfigError

LONGEST_LINE = 1 << 20
"""In characters. A cell is bounded by csv.field_size_limit(): 131,072 unless the process says otherwise."""
MOST_LINES = 200
"""A row with line breaks in its cells that spans more lines than this has an unclosed quote."""
_SAMPLE = 1 << 20
_BLOCK = 1 << 20
_ESCAPED = re.compile(r"[\udc80-\udcff]")
_ASCII = bytes(range(0x80))
_WINDOWS_PUNCTUATION = frozenset(b"\x82\x84\x85\x86\x87\x89\x8b\x91\x92\x93\x94\x95\x96\x97\x99\x9b")
"""The bytes of 0x80-0x9F that windows-1250 to windows-1258 all read, and read alike."""
CLOSE = "close the quote in that line, or export the file again"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CsvFormat(NamedTuple):
    """How a file is written."""

    delimiter: str = ","
    encoding: str | None = None
    """A Python codec; None = UTF-8, or Windows punctuation where the file proves it."""


class CsvRow(NamedTuple):
    """One row as it stands."""

    line: int
    """The line on which it begins; the first line of the file is 1."""
    cells: list[str]
    fault: str = ""
    """A rule that the row breaks: `wrong-width`, `not-csv`, `too-long`."""
    reason: str = ""
    illegible: tuple[int, ...] = ()
    """The cells of which some bytes could not be read."""
    blank: bool = False


class Sample(NamedTuple):
    """What the first part of a file tells."""

    estimated_rows: int
    legible: bool
    """Whether it can be read without a named encoding."""


def header_of(path: Path, form: CsvFormat) -> list[str]:
    """The names of the columns. Raises SourceConfigError when there is no header, OSError."""
    with _lines(path, form, _first_encoding(path, form)) as lines:
        return _header(lines, csv.reader(lines, delimiter=form.delimiter, strict=True))


def sample_of(path: Path) -> Sample:
    """Rows as estimated from the first part of a file. Raises OSError."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    size = path.stat().st_size
    # Latin-1 reads any byte; rows are only counted, with line breaks in cells, and quoting is judged elsewhere.
    try:
        rows = sum(1 for _ in csv.reader(StringIO(start.decode("latin-1"), newline="")))
    except csv.Error:
        rows = start.count(b"\n")
    legible = _decodes(start) or _is_windows(set(start.translate(None, _ASCII)))
    return Sample(max(0, rows * size // len(start) - 1) if start else 0, legible)


def _decodes(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, len(start) < _SAMPLE)
    except UnicodeDecodeError:
        return False
    return True


def _is_windows(high: set[int]) -> bool:
    return high <= _WINDOWS_PUNCTUATION


def rows_of(path: Path, form: CsvFormat) -> Iterator[CsvRow]:
    """Every row after the header, blank and broken ones too. Raises SourceConfigError, OSError."""
    with _lines(path, form, encoding_of(path, form)) as lines:
        reader = csv.reader(lines, delimiter=form.delimiter, strict=True)
        width = len(_header(lines, reader))
        while True:
            lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                # The reader drops a broken row with the line on which it broke; of more lines the others may be rows.
                if lines.pulled > 1 or lines.ended:
                    raise lines.unclosed() from None
                yield lines.broken(error)
                continue
            if len(cells) == width and not lines.escaped:
                yield CsvRow(lines.first, cells, blank=not any(map(str.strip, cells)))
                continue
            yield _odd(lines, cells, width)


def _odd(lines: _Lines, cells: list[str], width: int) -> CsvRow:
    """A row that is too short, too long, blank or illegible."""
    illegible: tuple[int, ...] = ()
    if lines.escaped:
        illegible = tuple(index for index, cell in enumerate(cells) if _ESCAPED.search(cell))
        cells = [_ESCAPED.sub("\ufffd", cell) for cell in cells]
    if not any(map(str.strip, cells)):
        return CsvRow(lines.first, cells, blank=True)
    if len(cells) == width:
        return CsvRow(lines.first, cells, illegible=illegible)
    if len(cells) < width and lines.ended and not lines.terminated:
        raise SourceConfigError(
            "the file ends in the middle of a row", f"{lines.where}:{lines.first}", "export the file again"
        )
    return CsvRow(lines.first, cells, "wrong-width", f"{len(cells)} cells where the header has {width}", illegible)


def _header(lines: _Lines, reader: Iterator[list[str]]) -> list[str]:
    lines.begin()
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise SourceConfigError(f"the header is not CSV ({error})", lines.where, "export the file again") from None
    if not header or not any(header):
        raise SourceConfigError("the file has no header", lines.where, "its first line must name the columns")
    return header


def encoding_of(path: Path, form: CsvFormat) -> str:
    """The encoding to read the file with. Looks at the whole file when none is named. Raises OSError."""
    if form.encoding:
        return form.encoding
    high: set[int] = set()
    with path.open("rb") as file:
        if file.read(2) in _UTF16:
            raise SourceConfigError("the file is UTF-16", str(path), 'set the option encoding to "utf-16"')
        file.seek(0)
        while block := file.read(_BLOCK):
            if not block.isascii():
                high.update(block.translate(None, _ASCII))
                if not _is_windows(high):
                    return "utf-8-sig"
    return "cp1252" if high else "utf-8-sig"


def _first_encoding(path: Path, form: CsvFormat) -> str:
    """The encoding of a header: no need to look at the whole file."""
    if form.encoding:
        return form.encoding
    with path.open("rb") as file:
        if file.read(2) in _UTF16:
            raise SourceConfigError("the file is UTF-16", str(path), 'set the option encoding to "utf-16"')
    return "utf-8-sig"


@contextmanager
def _lines(path: Path, form: CsvFormat, encoding: str) -> Iterator[_Lines]:
    # Bytes that cannot be decoded come as lone surrogates, so that a row can say where they were.
    errors = "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        yield _Lines(file, str(path), form.delimiter)


class _Lines(Iterator[str]):
    """The lines of a file for csv.reader, counted, with those of the current row at hand."""

    def __init__(self, file: TextIO, where: str, delimiter: str) -> None:
        self._readline = partial(file.readline, LONGEST_LINE)
        self._delimiter = delimiter
        self._row: list[str] = []
        self._next = 1
        self.where = where
        self.first = 1
        """The line on which the current row begins."""
        self.escaped = False
        """Whether the current row has bytes that could not be decoded."""
        self.ended = False
        self.terminated = True
        """Whether the last line has a line break."""

    @property
    def pulled(self) -> int:
        """The lines of the current row so far."""
        return len(self._row)

    def begin(self) -> None:
        """The lines that come now are another row's."""
        self.first += len(self._row)
        self._row.clear()
        self.escaped = False

    def __next__(self) -> str:
        line = self._readline()
        if not line:
            self.ended = True
            raise StopIteration
        if line[-1] not in "\r\n":
            if len(line) >= LONGEST_LINE:
                raise SourceConfigError(
                    f"a line is longer than {LONGEST_LINE} characters",
                    f"{self.where}:{self.first + len(self._row)}",
                    "check whether the file is CSV",
                )
            self.ended, self.terminated = True, False
        if len(self._row) == MOST_LINES:
            raise self.unclosed()
        self._row.append(line)
        if not line.isascii() and _ESCAPED.search(line):
            self.escaped = True
        return line

    def broken(self, error: csv.Error) -> CsvRow:
        """The current row, of one line, that is not CSV: its first cell as far as that is plain, and the rest."""
        line = _ESCAPED.sub("\ufffd", self._row[0])
        first, _, rest = line.partition(self._delimiter)
        cells = ["", line] if '"' in first else [first, rest]
        illegible = (0,) if "\ufffd" in first else ()
        if len(line) > csv.field_size_limit():
            return CsvRow(self.first, cells, "too-long", f"a cell is too long: {error}", illegible)
        return CsvRow(self.first, cells, "not-csv", f"the line is not CSV: {error}", illegible)

    def unclosed(self) -> SourceConfigError:
        """The error of a quote that is opened and not soundly closed, with the line on which its cell begins."""
        line = self.first + _opening(self._row, self._delimiter)
        return SourceConfigError("a quoted cell is not closed", f"{self.where}:{line}", CLOSE)


def _opening(lines: list[str], delimiter: str) -> int:
    """Which of a row's lines opened the quoted cell in which the row breaks."""
    opened, state = 0, "fresh"
    for number, line in enumerate(lines):
        for letter in line:
            if state == "quoted":
                state = "closed" if letter == '"' else "quoted"
            elif letter == '"' and state == "closed":
                state = "quoted"
            elif letter == '"' and state == "fresh":
                opened, state = number, "quoted"
            elif letter == delimiter:
                state = "fresh"
            elif state == "closed":
                return opened
            else:
                state = "plain"
    return opened
