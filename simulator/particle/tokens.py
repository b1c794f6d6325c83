"""Who may see what, and until when."""

from dataclasses import dataclass, field

from simulator.particle.errors import expired_token, unknown_token
from simulator.particle.plan import ALL_SCOPES

LIFE_MS = 90 * 86_400_000


@dataclass
class Token:
    """A token: whose it is, the only product it is good for, what it may do, its end."""

    text: str
    owner: str
    product: int | None = None
    scopes: frozenset[str] = field(default=ALL_SCOPES)
    end_ms: int | None = None

    def good(self, at_ms: int) -> bool:
        """Tell whether the token has not expired."""
        return self.end_ms is None or at_ms < self.end_ms


class Tokens:
    """All tokens, expired ones too."""

    def __init__(self) -> None:
        """Begin with none."""
        self.known: dict[str, Token] = {}

    def add(self, token: Token) -> None:
        """Make a token known."""
        self.known[token.text] = token

    def check(self, text: str, now_ms: int) -> Token:
        """Return a token that is good.

        Raises:
            ApiError: where it is not.
        """
        if (token := self.known.get(text)) is None:
            raise unknown_token()
        if not token.good(now_ms):
            raise expired_token()
        return token
