"""The fields of a request, from its query and from a body of any kind. Pure."""

from collections.abc import Iterable, Mapping
from json import loads
from typing import Any, Final
from urllib.parse import parse_qsl

from .refused import BoardMessageError, BoardProblem

MAX_BODY: Final = 2048
"""The bytes of the largest body; what a board says fits into a twentieth of it."""

MAX_FIELDS: Final = 16
MAX_TEXT: Final = 64
"""The characters of the longest name and value of a field."""

JSON_BEGINNINGS: Final = (b"{", b"[")
"""A body that begins so is JSON, whatever it is called: a sketch seldom says."""

BLANKS: Final = " \t\r\n"


def read_fields(query: str, body: bytes, content_type: str = "") -> dict[str, str]:
    """Return the fields of a request by their names, blanks around both taken away.

    `query` and forms are percent-encoded. JSON is one object of texts, whole numbers and
    flags. Raises BoardMessageError for what is too large, not readable, or given twice.
    """
    if len(query) > MAX_BODY or len(body) > MAX_BODY:
        raise BoardMessageError(
            BoardProblem.TOO_LARGE, f"more than {MAX_BODY} bytes in a query or a body"
        )
    pairs = _form(query)
    if _is_json(body, content_type):
        pairs += _json(body)
    elif body:
        pairs += _form(_text(body))
    fields: dict[str, str] = {}
    for name, value in pairs:
        name, value = name.strip(BLANKS), value.strip(BLANKS)
        if len(name) > MAX_TEXT or len(value) > MAX_TEXT:
            raise BoardMessageError(
                BoardProblem.TOO_LARGE, f"a field of more than {MAX_TEXT} characters"
            )
        if fields.setdefault(name, value) != value:
            raise BoardMessageError(
                BoardProblem.REPEATED, "a field was given twice with different values"
            )
    if len(fields) > MAX_FIELDS:
        raise _too_many()
    return fields


def read_json(body: bytes) -> Any:
    """Return what a JSON body says.

    Raises BoardMessageError for what is not JSON, says a name twice or is no number.
    """
    try:
        return loads(body, object_pairs_hook=_once, parse_constant=_no_constant)
    except ValueError, RecursionError:
        problem = "the body is not JSON"
    # Raised out here so that the decoder's error, which holds the body, is no context.
    raise BoardMessageError(BoardProblem.UNREADABLE, problem)


def _is_json(body: bytes, content_type: str) -> bool:
    """Return whether a body is JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    return bool(body) and (
        kind == "application/json" or body.lstrip().startswith(JSON_BEGINNINGS)
    )


def _form(text: str) -> list[tuple[str, str]]:
    """Return the fields of a percent-encoded text."""
    try:
        return parse_qsl(
            text.strip(BLANKS),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError:
        problem = _unreadable()
    except ValueError:
        problem = _too_many()
    raise problem


def _text(body: bytes) -> str:
    """Return the text of a form."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        problem = _unreadable()
    raise problem


def _json(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a JSON object."""
    fields = read_json(body)
    if not isinstance(fields, dict):
        raise BoardMessageError(BoardProblem.UNREADABLE, "the JSON is not an object")
    return [(name, _scalar(value)) for name, value in fields.items()]


def _scalar(value: Any) -> str:
    """Return a text, a whole number or a flag as a form would have it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return value
        case int() if abs(value) < 1 << 64:
            return str(value)
    raise BoardMessageError(
        BoardProblem.UNREADABLE,
        "a value is neither a text nor a whole number nor a flag",
    )


def _once(pairs: Iterable[tuple[str, Any]]) -> Mapping[str, Any]:
    """Return a JSON object whose names are all different, else raise ValueError."""
    known: dict[str, Any] = {}
    for name, value in pairs:
        if name in known:
            raise ValueError("repeated name")
        known[name] = value
    return known


def _no_constant(name: str) -> float:
    """Refuse NaN and infinities, which JSON does not have."""
    raise ValueError(name)


def _unreadable() -> BoardMessageError:
    """Return the error of a text that is not UTF-8."""
    return BoardMessageError(BoardProblem.UNREADABLE, "the fields are not UTF-8")


def _too_many() -> BoardMessageError:
    """Return the error of too many fields."""
    return BoardMessageError(BoardProblem.TOO_LARGE, f"more than {MAX_FIELDS} fields")
