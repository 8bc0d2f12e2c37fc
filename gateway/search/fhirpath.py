"""Compiles the subset of FHIRPath that search parameters are defined in; refuses the rest when it is compiled.

Understands paths, `|`, `as`, `as()`, `ofType()`, `extension(url)` and `where()`, with `=`, `!=`, `and`, `exists()` and
`resolve() is Type` in it. Knows no parameter and no index. Works on plain JSON, which it never changes.
http://hl7.org/fhirpath/N1/, https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Values = Callable[[Any], list[Any]]
Test = Callable[[Any], bool]
Sink = Callable[[Any, Any], None]
"""`sink(value, collector)`: told each value that an expression yields."""


class UnsupportedExpression(ValueError):
    """An expression beyond the subset: a fault of the table, found when it is loaded."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A step that keeps only the items that pass."""

    test: Test


Step = str | Filter
"""One step of a path: the JSON name of an element, or a filter."""


@dataclass(frozen=True, slots=True)
class Path:
    """Steps from the resource down to the values."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """An expression whose value is computed from the resource: true or false."""

    test: Test


Branch = Path | Computed

_TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<string>'[^'\\]*')|(?P<sign>!=|[().|=]))")
_CHOICE_TYPES = """
    Address Age Annotation Attachment Base64Binary Boolean Canonical Code CodeableConcept Coding ContactPoint
    Count Date DateTime Decimal Distance Duration HumanName Id Identifier Instant Integer Markdown Money Oid
    Period PositiveInt Quantity Range Ratio Reference SampledData Signature String Time Timing UnsignedInt Uri
    Url Uuid
""".split()  # noqa: SIM905 - forty lines of quotes are no easier to read
_SPECIALIZED = {
    "integer": ("positiveInt", "unsignedInt"),
    "Quantity": ("Age", "Count", "Distance", "Duration"),
    "string": ("code", "id", "markdown"),
    "uri": ("canonical", "oid", "url", "uuid"),
}
"""The types that are kinds of another, of those that a choice may have. https://hl7.org/fhir/R4/datatypes.html"""


def branches(expression: str, datatypes: Sequence[str] = ()) -> tuple[Branch, ...]:
    """The alternatives of an expression. Raises UnsupportedExpression.

    Several `datatypes` mean that a last element named without a cast is a choice, of these types.
    """
    found = _Parser(expression, tuple(datatypes)).parse()
    return found if isinstance(found, tuple) else (Computed(found),)


def evaluate(branch: Branch, resource: dict[str, Any]) -> list[Any]:
    """The values that one alternative yields."""
    if isinstance(branch, Computed):
        return [branch.test(resource)]
    return [value for value in _values(branch.steps)(resource) if not _is_absent(value)]


def extractor(sinks: Iterable[tuple[Branch, Sink]]) -> Callable[[dict[str, Any], Any], None]:
    """`extract(resource, collector)`: one walk that serves all the branches, following shared steps once."""
    tree: _Tree = {}
    computed: list[tuple[Test, Sink]] = []
    for branch, sink in sinks:
        if isinstance(branch, Computed):
            computed.append((branch.test, sink))
        else:
            _plant(tree, branch.steps, sink)

    def extract(resource: dict[str, Any], collector: Any) -> None:
        _walk(tree, resource, collector)
        for test, sink in computed:
            sink(test(resource), collector)

    return extract


_Tree = dict[str, tuple[list[Sink], "_Tree"]]
_NO_VALUE = {"extension", "id"}


def _plant(tree: _Tree, steps: Sequence[Step], sink: Sink) -> None:
    """Hang a sink where its path ends. The rest of a path behind a filter is a small tree of its own."""
    first = steps[0]
    assert isinstance(first, str)  # noqa: S101 - a path starts with an element; the parser sees to it
    sinks, children = tree.setdefault(first, ([], {}))
    if len(steps) == 1:
        sinks.append(sink)
    elif isinstance(steps[1], Filter):
        sinks.append(_filtered(steps[1:], sink))
    else:
        _plant(children, steps[1:], sink)


def _filtered(steps: Sequence[Step], sink: Sink) -> Sink:
    first, *rest = steps
    assert isinstance(first, Filter)  # noqa: S101 - that is why it is planted here
    passes, follow = first.test, _values(rest)

    def filtered(value: Any, collector: Any) -> None:
        if passes(value):
            for found in follow(value):
                if not _is_absent(found):
                    sink(found, collector)

    return filtered


def _is_absent(value: Any) -> bool:
    """Whether an element has nothing but extensions: it says why there is no value."""
    return type(value) is dict and "extension" in value and value.keys() <= _NO_VALUE


def _walk(tree: _Tree, element: dict[str, Any], collector: Any) -> None:
    for name, value in element.items():
        step = tree.get(name)
        if step is None:
            continue
        sinks, children = step
        for item in value if type(value) is list else (value,):
            is_element = type(item) is dict
            if not (is_element and "extension" in item and _is_absent(item)):
                for sink in sinks:
                    sink(item, collector)
            if children and is_element:
                _walk(children, item, collector)


def _values(steps: Sequence[Step]) -> Values:
    """What a path yields below one item."""
    found: Values = lambda item: [item]  # noqa: E731
    for step in steps:
        found = _kept(found, step.test) if isinstance(step, Filter) else _child(found, step)
    return found


def _kept(before: Values, test: Test) -> Values:
    return lambda item: [value for value in before(item) if test(value)]


def _child(before: Values, name: str) -> Values:
    def child(item: Any) -> list[Any]:
        found: list[Any] = []
        for parent in before(item):
            value = parent.get(name) if type(parent) is dict else None
            if type(value) is list:
                found += value
            elif value is not None:
                found.append(value)
        return found

    return child


def _any_choice(name: str) -> Values:
    """An element of which the expression does not say whether it is a choice (`Patient.deceased`)."""
    names = {name, *(name + kind for kind in _CHOICE_TYPES)}

    def present(item: Any) -> list[Any]:
        return [value for key, value in item.items() if key in names] if type(item) is dict else []

    return present


def refers_to(resource_type: str) -> Test:
    """Whether a Reference leads to a resource of a type, as far as it says so itself."""
    beginning = f"{resource_type}/"

    def refers(value: Any) -> bool:
        if type(value) is not dict:
            return False
        literal = value.get("reference")
        if type(literal) is str:
            if literal.count("/") == 1:  # most are
                return literal.startswith(beginning)
            return literal.partition("/_history/")[0].rsplit("/", 2)[-2:-1] == [resource_type]
        return bool(value.get("type") == resource_type)

    return refers


class _Parser:
    """Recursive descent, one method a level of precedence."""

    def __init__(self, expression: str, datatypes: tuple[str, ...]) -> None:
        self.expression, self.datatypes = expression, datatypes
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Iterator[str]:
        position = 0
        while position < len(self.expression.rstrip()):
            found = _TOKEN.match(self.expression, position)
            if found is None:
                raise self._refused(self.expression[position:])
            yield found.group().strip()
            position = found.end()

    def _refused(self, what: str) -> UnsupportedExpression:
        return UnsupportedExpression(f"{what!r} in {self.expression!r}")

    def _peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self.at += 1
        return token

    def _expect(self, token: str) -> None:
        if (found := self._next()) != token:
            raise self._refused(found or "the end")

    def parse(self) -> tuple[Path, ...] | Test:
        """The whole expression: paths, or a test of the resource."""
        resource_type = next((token for token in self.tokens if token[0].isalpha()), "")
        found: tuple[Path, ...] | Test
        if self._is_test():
            found = self._conjunction(resource_type)
        else:
            found = tuple(Path(steps) for path in self._union(resource_type) for steps in self._choices(path))
        if self._peek():
            raise self._refused(self._peek())
        return found

    def _is_test(self) -> bool:
        """Whether the expression as a whole is true or false: what stands inside `where()` does not count."""
        depth, inside = 0, list[int]()
        for at, sign in enumerate(self.tokens):
            if sign == "(":
                depth += 1
                if self.tokens[at - 1] == "where":
                    inside.append(depth)
            elif sign == ")":
                if inside and inside[-1] == depth:
                    inside.pop()
                depth -= 1
            elif sign in ("and", "exists") and not inside:
                return True
        return False

    def _choices(self, path: _Steps) -> Iterator[tuple[Step, ...]]:
        steps = path.steps
        if not steps or isinstance(steps[0], Filter):
            raise self._refused("a path without an element")
        if len(self.datatypes) > 1 and not path.cast and isinstance(steps[-1], str):
            for datatype in self.datatypes:
                yield (*steps[:-1], steps[-1] + datatype[0].upper() + datatype[1:])
        else:
            yield steps

    def _union(self, root: str | None) -> list[_Steps]:
        paths = self._cast(root)
        while self._peek() == "|":
            self._next()
            paths += self._cast(root)
        return paths

    def _cast(self, root: str | None) -> list[_Steps]:
        if self._peek() == "(":
            self._next()
            paths = self._union(root)
            self._expect(")")
        else:
            paths = [self._start(root)]
        while self._peek() in (".", "as"):
            paths = self._as(paths, self._next()) if self._next() == "as" else self._invocation(paths)
        return paths

    def _start(self, root: str | None) -> _Steps:
        word = self._next()
        if root is not None:
            if word != root:
                raise self._refused(word)
            return _Steps(())
        if not word.isidentifier():
            raise self._refused(word)
        return _Steps((word,))

    def _invocation(self, paths: list[_Steps]) -> list[_Steps]:
        name = self._next()
        if self._peek() != "(":
            if not name.isidentifier():
                raise self._refused(name)
            return [_Steps((*path.steps, name)) for path in paths]
        self._next()
        if name in ("as", "ofType"):
            paths = self._as(paths, self._next())
        elif name == "where":
            paths = [
                _Steps((*path.steps, Filter(test)), path.cast) for test in [self._conjunction(None)] for path in paths
            ]
        elif name == "extension":
            url = self._next()[1:-1]
            test = Filter(lambda item: type(item) is dict and item.get("url") == url)
            paths = [_Steps((*path.steps, "extension", test)) for path in paths]
        else:
            raise self._refused(name)
        self._expect(")")
        return paths

    def _as(self, paths: list[_Steps], datatype: str) -> list[_Steps]:
        """A cast names one form of a choice element, and its special kinds: in JSON each is another name."""
        # An extension's value comes typed already: `extension(url).value as Coding`.
        return [self._in_form(path, kind) for path in paths for kind in (datatype, *_SPECIALIZED.get(datatype, ()))]

    def _in_form(self, path: _Steps, datatype: str) -> _Steps:
        if not path.steps or not isinstance(path.steps[-1], str) or not datatype.isidentifier():
            raise self._refused(f"as {datatype}")
        last = path.steps[-1]
        return _Steps((*path.steps[:-1], last + datatype[0].upper() + datatype[1:]), cast=True)

    def _conjunction(self, root: str | None) -> Test:
        tests = [self._comparison(root)]
        while self._peek() == "and":
            self._next()
            tests.append(self._comparison(root))
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _comparison(self, root: str | None) -> Test:
        if self.tokens[self.at : self.at + 4] == ["resolve", "(", ")", "is"]:
            self.at += 4
            return refers_to(self._next())
        steps = list(self._start(root).steps)
        while self._peek() == "." and self._peek(1) != "exists":
            self._next()
            steps.append(self._next())
        if not steps:
            raise self._refused("a comparison without an element")
        find = self._found(steps)
        if self._peek() == ".":
            self.at += 2
            self._expect("(")
            self._expect(")")
            return lambda item: bool(find(item))
        operator, literal = self._next(), self._literal(self._next())
        # With an empty side FHIRPath's comparison is empty, which neither `and` nor `where` lets pass.
        if operator == "=":
            return lambda item: find(item) == [literal]
        if operator == "!=":
            return lambda item: bool(found := find(item)) and found != [literal]
        raise self._refused(operator or "the end")

    def _found(self, steps: Sequence[Step]) -> Values:
        before, last = _values(steps[:-1]), _any_choice(str(steps[-1]))

        def find(item: Any) -> list[Any]:
            found: list[Any] = []
            for parent in before(item):
                for value in last(parent):
                    found += value if type(value) is list else [value]
            return found

        return find

    def _literal(self, token: str) -> Any:
        if token in ("true", "false"):
            return token == "true"  # noqa: S105
        if token.startswith("'"):
            return token[1:-1]
        raise self._refused(token or "the end")


@dataclass(frozen=True, slots=True)
class _Steps:
    """A path while it is being read."""

    steps: tuple[Step, ...]
    cast: bool = False
