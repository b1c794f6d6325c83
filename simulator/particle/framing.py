"""How an event looks on the wire."""

from dataclasses import dataclass
import json
from typing import Any

from simulator.particle.device import Event, iso


@dataclass(frozen=True)
class Source:
    """A product, and its owner's id."""

    product: int
    userid: str


@dataclass
class Style:
    """The freedoms that the format leaves to who sends it.

    `end` is the line ending, `space` whether one follows a colon, `multiline` spreads the
    data over several lines, `ttl_text` sends that number as a string, `piecemeal` sends each
    byte by itself. `keep_alive` is `comment`, `newline`, `both` (in turn) or `none`.
    """

    end: str = "\n"
    space: bool = True
    multiline: bool = False
    ttl_text: bool = False
    piecemeal: bool = False
    keep_alive: str = "both"

    def hello(self) -> bytes:
        """Return what a stream begins with."""
        return (":ok" + self.end * 2).encode()

    def alive(self, number: int) -> bytes:
        """Return a keep-alive."""
        match self.keep_alive:
            case "none":
                return b""
            case "comment":
                comment = True
            case "newline":
                comment = False
            case _:
                comment = number % 2 == 0
        return (":" * comment + self.end).encode()

    def event(self, event: Event, source: Source | None) -> bytes:
        """Return an event; a product's stream tells more of it."""
        content: dict[str, Any] = {
            "data": event.data,
            "ttl": str(event.ttl) if self.ttl_text else event.ttl,
            "published_at": iso(event.at_ms),
            "coreid": event.coreid,
        }
        if source is not None:
            content |= {
                "userid": source.userid,
                "version": 1,
                "public": False,
                "productID": source.product,
            }
        text = json.dumps(
            content,
            indent=0 if self.multiline else None,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        lines = [f"event:{self._blank}{event.name}"]
        lines += [f"data:{self._blank}{line}" for line in text.split("\n")]
        return (self.end.join(lines) + self.end * 2).encode()

    @property
    def _blank(self) -> str:
        """Return what follows a colon."""
        return " " if self.space else ""
