"""The vendor's accounts with their homes, and the knobs of the cloud."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from simulator.netatmo.home import Home
from simulator.netatmo.limits import Limits
from simulator.netatmo.plan import HomePlan, UserPlan
from simulator.netatmo.settings import MINUTE_MS
from simulator.netatmo.tokens import HEATING_SCOPE, Grant, Tokens
from simulator.noise import made_id, mix_seed
from simulator.thermal.weather import Weather

LOG_LENGTH = 10_000
MS_PER_DAY = 86_400_000
SETPOINT_DELAY_MS = 4_000


@dataclass
class User:
    """An account of the vendor's."""

    email: str
    homes: list[Home] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return the account's id."""
        return made_id("user", self.email)

    def home(self, key: str) -> Home | None:
        """Return the home with an id or a name."""
        return next((h for h in self.homes if key in {h.id, h.name}), None)


class NetatmoCalls:
    """Who asked for what, through which app, and how it ended."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._by_user: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._by_client: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._refused: Counter[str] = Counter()
        self._log: deque[tuple[int, str, str, str, int]] = deque(maxlen=LOG_LENGTH)

    def note(
        self, now_ms: int, user: str, client_id: str, method: str, status: int
    ) -> None:
        """Remember a call and the status of its answer."""
        self._by_user[user][method] += 1
        self._by_client[client_id][method] += 1
        if status >= 400:
            self._refused[user] += 1
        self._log.append((now_ms, user, client_id, method, status))

    def clear(self) -> None:
        """Forget all calls."""
        self._by_user.clear()
        self._by_client.clear()
        self._refused.clear()
        self._log.clear()

    def as_json(self) -> dict[str, Any]:
        """Return what the control endpoint shows."""
        return {
            "by_user": {user: dict(counts) for user, counts in self._by_user.items()},
            "by_client": {app: dict(counts) for app, counts in self._by_client.items()},
            "refused": dict(self._refused),
            "log": [list(call) for call in self._log],
        }


class NetatmoState:
    """Everything the vendor's handlers read and change."""

    def __init__(
        self, seed: int, now_ms: int, clients: dict[str, str], users: Iterable[UserPlan]
    ) -> None:
        """Make the accounts; nothing is computed before somebody asks."""
        self.limits = Limits()
        self.calls = NetatmoCalls()
        self.tokens = Tokens(mix_seed(seed, "tokens"))
        self.tokens.secrets |= clients
        self.setpoint_delay_ms = SETPOINT_DELAY_MS
        self.approves: str | None = None
        self.signed_in: str | None = None
        self.weather = Weather(mix_seed(seed, "weather"))
        self.users: dict[str, User] = {}
        self._seed = seed
        for plan in users:
            self.add_user(plan, now_ms, next(iter(clients)))

    def add_user(self, plan: UserPlan, now_ms: int, client_id: str) -> User:
        """Add an account, which has granted a client everything for heating."""
        user = self.users[plan.email] = User(plan.email)
        grant = Grant(plan.email, client_id, HEATING_SCOPE)
        self.tokens.plant(plan.refresh_token, grant)
        for home in plan.homes:
            self.add_home(user, home, now_ms)
        return user

    def add_home(self, user: User, plan: HomePlan, now_ms: int) -> Home:
        """Add a home with its past."""
        since_ms = (now_ms // MS_PER_DAY - plan.history_days) * MS_PER_DAY
        home = Home(plan, self.weather, mix_seed(self._seed, "homes"), since_ms)
        user.homes.append(home)
        return home

    def homes(self) -> Iterator[tuple[User, Home]]:
        """Yield all homes with their accounts."""
        for user in self.users.values():
            for home in user.homes:
                yield user, home

    def outdoor(self, now_ms: int) -> float:
        """Return the outside temperature in °C."""
        minute = np.array([now_ms // MINUTE_MS], dtype=np.int64)
        return round(float(self.weather.outdoor(minute)[0]), 4)

    def find(self, key: str) -> Home | None:
        """Return the home with an id or a name, of whichever account."""
        return next((h for _, h in self.homes() if key in {h.id, h.name}), None)
