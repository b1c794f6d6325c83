"""Server-sent events, read from bytes as they come. Pure; knows nothing of any vendor."""

import codecs
from dataclasses import dataclass
import re
from typing import Final

MAX_LINE: Final = 131_072
"""The bytes of the longest line that is read.

Particle's longest data is 16 384 bytes, each of which JSON may write as six.
"""

MAX_EVENT: Final = 2 * MAX_LINE
"""The bytes of the largest event's data."""

MAX_NAME: Final = 1024
"""The bytes of the longest name; Particle's have 64."""

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event: its name, and its data with the lines joined by LF."""

    name: str
    data: str


class EventReader:
    """Turns bytes into events as the WHATWG's rules for event streams say.

    Events come out the same however the bytes are cut. Nothing that comes is an error: bytes
    that are not UTF-8 become U+FFFD, a field that is not known is nothing, an event that is
    larger than the limits is left out and counted. Memory stays below both limits together.
    """

    def __init__(self, max_line: int = MAX_LINE, max_event: int = MAX_EVENT) -> None:
        """Begin at the first byte of a stream."""
        self._max_line = max_line
        self._max_event = max_event
        self._line = bytearray()
        self._first = True
        self._after_cr = False
        self._line_too_long = False
        self._too_large = False
        self._name = ""
        self._data = bytearray()
        self.oversized = 0

    @property
    def buffered(self) -> int:
        """Return how many bytes are kept of what is not complete yet."""
        return len(self._line) + len(self._data)

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """Return the events that a chunk completes."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        events: list[ServerEvent] = []
        *ended, rest = _LINE_END.split(chunk)
        for part in ended:
            self._extend(part)
            if (event := self._end_line()) is not None:
                events.append(event)
        self._extend(rest)
        return events

    def _extend(self, part: bytes) -> None:
        """Add to the line that is not complete yet, unless it grows too long."""
        if self._line_too_long:
            return
        if len(self._line) + len(part) > self._max_line:
            self._line_too_long = True
            self._line.clear()
            return
        self._line += part

    def _end_line(self) -> ServerEvent | None:
        """Take a complete line; return the event that it completes."""
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        if self._line_too_long:
            self._line_too_long = False
            self._drop()
            return None
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            self._set_name(value)
        elif field == b"data":
            self._add_data(value)
        return None

    def _set_name(self, value: bytes) -> None:
        """Name the present event, unless it is nobody's name."""
        if len(value) > MAX_NAME:
            self._drop()
        else:
            self._name = value.decode(errors="replace")

    def _add_data(self, value: bytes) -> None:
        """Take one line of data, unless the event grows too large."""
        if self._too_large or len(self._data) + len(value) >= self._max_event:
            self._drop()
        else:
            self._data += value + b"\n"

    def _drop(self) -> None:
        """Leave the present event out, whatever else comes of it."""
        self._too_large = True
        self._data.clear()

    def _dispatch(self) -> ServerEvent | None:
        """End the present event; return it where it has data."""
        name, data, too_large = self._name, bytes(self._data), self._too_large
        self._name, self._too_large = "", False
        self._data.clear()
        if too_large:
            self.oversized += 1
        if too_large or not data:
            return None
        return ServerEvent(name or "message", data[:-1].decode(errors="replace"))
