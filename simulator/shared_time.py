"""A frozen clock's time in a file: a test that has it open too moves it without a call."""

import mmap
from pathlib import Path
from typing import Final

_WORDS: Final = "q"
_SIZE: Final = 16


class SharedTime:
    """The time in milliseconds, and whether a move of it has to be told by a call.

    Both are words of eight bytes that a processor writes at once.
    """

    def __init__(self, path: Path) -> None:
        """Open the file; it is made where there is none."""
        with path.open("a+b") as file:
            file.truncate(_SIZE)
            self._words = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast(_WORDS)

    @property
    def now_ms(self) -> int:
        """Return the time."""
        return self._words[0]

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        """Move the time."""
        self._words[0] = now_ms

    @property
    def watched(self) -> bool:
        """Tell whether somebody acts by itself when time moves: a stream, a board."""
        return bool(self._words[1])

    @watched.setter
    def watched(self, watched: bool) -> None:
        """Say so."""
        self._words[1] = watched
