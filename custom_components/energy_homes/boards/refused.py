"""Messages that nobody can use: what was wrong. Pure."""

from enum import StrEnum


class BoardProblem(StrEnum):
    """What is wrong with a message; diagnostics count each of them."""

    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    INCOMPLETE = "incomplete"
    CHANNEL = "channel"
    MILLIS = "millis"
    METERCOUNT = "metercount"
    FLAG = "flag"


class BoardMessageError(ValueError):
    """A message that changes nothing; its text says to the board's owner what was wrong.

    It never holds what was sent.
    """

    def __init__(self, problem: BoardProblem, text: str) -> None:
        """Store what was wrong."""
        super().__init__(text)
        self.problem = problem
