"""Homes as an account stores them, so that it knows them while it may not ask. Pure."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from ...clouds.netatmo.models import HomeTopology

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def homes_as_data(homes: Iterable[HomeTopology]) -> list[Any]:
    """Return homes as they are stored: instants in epoch ms, spans in ms."""
    return [_plain(home) for home in homes]


def homes_from_data(data: Iterable[Any]) -> tuple[HomeTopology, ...]:
    """Return homes that were stored; none where they were stored in another shape."""
    try:
        return tuple(_typed(HomeTopology, home) for home in data)
    except AttributeError, KeyError, TypeError, ValueError:
        return ()


def _plain(value: Any) -> Any:
    """Return a value in JSON's types."""
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MILLISECOND
    if isinstance(value, timedelta):
        return value // _MILLISECOND
    return value


def _typed(kind: Any, value: Any) -> Any:
    """Return the value of a type that JSON's types stand for."""
    if isinstance(kind, UnionType):
        if value is None:
            return None
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], item) for item in value)
    if is_dataclass(kind):
        made: Any = kind
        hints = get_type_hints(kind)
        return made(**{name: _typed(hints[name], value[name]) for name in hints})
    if issubclass(kind, Enum):
        return kind(value)
    if issubclass(kind, datetime):
        return _EPOCH + value * _MILLISECOND
    if issubclass(kind, timedelta):
        return value * _MILLISECOND
    return value
