"""Errors as FHIR states them: one tree, one renderer.

    FhirError
    ├── InvalidRequest          400 invalid         a value or a body that cannot be understood
    │   ├── InvalidParameter    400 invalid         names the parameter, its value's defect and the valid choices
    │   ├── NotSupported        400 not-supported   what other servers may do
    │   └── UnknownDomain       400 code-invalid    an identifier system of no Patient
    ├── TooCostly               400 too-costly      a search that compares too much
    ├── Unauthorized            401 login
    ├── Forbidden               403 forbidden
    │   └── ForbiddenDomain     403 code-invalid    an identifier system that cannot be answered in
    ├── NotFound                404 not-found
    │   └── UnknownType         404 not-supported
    ├── MethodNotAllowed        405 not-supported
    ├── NotAcceptable           406 not-supported
    ├── Gone                    410 deleted
    ├── Conflict                409 conflict        a decision against one that holds
    ├── PreconditionFailed      412 conflict
    ├── TooLarge                413 too-long
    ├── UnsupportedMediaType    415 not-supported
    ├── Unprocessable           422 processing
    └── Unavailable             503 transient       a decision while a sync writes

https://hl7.org/fhir/R4/operationoutcome.html, https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from typing import Any, ClassVar

import orjson


class FhirError(Exception):
    """A request that is answered with an OperationOutcome. Takes facts; carries no patient data."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(
        self, diagnostics: str, *, expression: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(diagnostics)
        self.diagnostics, self.expression, self.headers = diagnostics, expression, headers or {}


class InvalidRequest(FhirError):
    """A body or URL that cannot be understood."""

    status, code = 400, "invalid"


class InvalidParameter(InvalidRequest):
    """A search parameter, modifier, prefix or value that is not valid here."""

    def __init__(self, parameter: str, problem: str, choices: tuple[str, ...] = ()) -> None:
        valid = f"; valid: {', '.join(choices)}" if choices else ""
        super().__init__(f"{parameter}: {problem}{valid}", expression=f"http.{parameter}")
        self.parameter, self.problem, self.choices = parameter, problem, choices


class NotSupported(InvalidRequest):
    """A request that other servers answer and this one does not."""

    code = "not-supported"


class UnknownDomain(InvalidRequest):
    """An identifier of a system that no Patient has."""

    code = "code-invalid"


class TooCostly(FhirError):
    """A search that was stopped to protect the server."""

    status, code = 400, "too-costly"


class Unauthorized(FhirError):
    """No or no valid credentials."""

    status, code = 401, "login"


class Forbidden(FhirError):
    """Credentials that do not allow it."""

    status, code = 403, "forbidden"


class ForbiddenDomain(Forbidden):
    """An answer was asked for in a system that no Patient has."""

    code = "code-invalid"


class NotFound(FhirError):
    """No such resource."""

    status, code = 404, "not-found"


class UnknownType(NotFound):
    """A resource type that is not served."""

    code = "not-supported"


class MethodNotAllowed(FhirError):
    """The API is read-only."""

    status, code = 405, "not-supported"


class NotAcceptable(FhirError):
    """A format that is not offered."""

    status, code = 406, "not-supported"


class Gone(FhirError):
    """The resource was deleted."""

    status, code = 410, "deleted"


class Conflict(FhirError):
    """What is asked contradicts what holds."""

    status, code = 409, "conflict"


class PreconditionFailed(FhirError):
    """A conditional request whose condition fails or is ambiguous."""

    status, code = 412, "conflict"


class TooLarge(FhirError):
    """A request body, URL or form that is longer than what is read."""

    status, code = 413, "too-long"


class UnsupportedMediaType(FhirError):
    """A request body in a format that is not read."""

    status, code = 415, "not-supported"


class Unprocessable(FhirError):
    """A body that is well formed but breaks a rule."""

    status, code = 422, "processing"


class Unavailable(FhirError):
    """Not now: something else has to end first."""

    status, code = 503, "transient"


class Throttled(FhirError):
    """A request that may be sent again later."""

    status, code = 429, "throttled"


def issue(severity: str, code: str, diagnostics: str, expression: str | None = None) -> dict[str, Any]:
    """One OperationOutcome.issue."""
    made: dict[str, Any] = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression is not None:
        made["expression"] = [expression]
    return made


def outcome(*issues: dict[str, Any]) -> bytes:
    """An OperationOutcome as JSON bytes."""
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": list(issues)})


def render(error: FhirError) -> bytes:
    """The OperationOutcome of an error."""
    return outcome(issue("error", error.code, error.diagnostics, error.expression))
