"""The vendor's users, boards, tokens and open streams, and the knobs of the cloud."""

from collections.abc import Callable, Iterable

from simulator.boards.circuit import circuit_of
from simulator.clock import Clock
from simulator.home import Household, Signal
from simulator.noise import made_id
from simulator.particle.device import Device
from simulator.particle.framing import Style
from simulator.particle.limits import Limits
from simulator.particle.plan import DevicePlan, OwnerPlan
from simulator.particle.stream import End, Silence, Stream, Watched
from simulator.particle.tokens import LIFE_MS, Token, Tokens

type Homes = Callable[[int], tuple[Household, int]]

PAUSES_MS = (9_000, 13_000)


class ParticleState:
    """Everything the vendor's handlers read and change."""

    def __init__(
        self, seed: int, clock: Clock, household: Homes, owners: Iterable[OwnerPlan]
    ) -> None:
        """Make users with their boards; `household` gives a home and its own seed."""
        self.devices: dict[str, Device] = {}
        self.tokens = Tokens()
        self.limits = Limits()
        self.product_owners: dict[int, str] = {}
        self.streams: list[Stream] = []
        self.style = Style()
        self.pauses_ms = PAUSES_MS
        self.silences: list[Silence] = []
        self._seed = seed
        self._clock = clock
        self._household = household
        self._signals: dict[tuple[object, ...], Signal] = {}
        self._opened = 0
        for owner in owners:
            self.add_owner(owner)

    def add_owner(self, plan: OwnerPlan) -> None:
        """Add a user; what product a board or a token names is the user's."""
        now_ms = self._clock.now_ms
        for device in plan.devices:
            self.add_device(device, plan.email)
        for token in plan.tokens:
            if token.product is not None:
                self.product_owners.setdefault(token.product, plan.email)
            end_ms = now_ms - 1 if token.expired else now_ms + LIFE_MS
            self.tokens.add(
                Token(token.text, plan.email, token.product, token.scopes, end_ms)
            )

    def add_device(self, plan: DevicePlan, owner: str) -> Device:
        """Add a board that publishes from now on."""
        key = (plan.load, plan.seed if plan.load is not None else plan.watts)
        if (signal := self._signals.get(key)) is None:
            household, seed = self._household(plan.seed)
            signal = circuit_of(plan.load, plan.watts, household, seed)
            self._signals[key] = signal
        device = Device(plan, owner, signal, self._seed, self._clock.now_ms)
        self.devices[device.id] = device
        if plan.product is not None:
            self.product_owners.setdefault(plan.product, owner)
        self.wake()
        return device

    def find(self, key: str) -> Device | None:
        """Return the board with an id or a name."""
        return next((d for d in self.devices.values() if key in {d.id, d.name}), None)

    def owned(self, owner: str) -> list[Device]:
        """Return the boards of a user."""
        return [d for d in self.devices.values() if d.owner == owner]

    def of_product(self, product: int) -> list[Device]:
        """Return the boards of a product."""
        return [d for d in self.devices.values() if d.plan.product == product]

    def open(self, token: Token, watched: Watched, port: int) -> Stream:
        """Open a stream that tells what happens from now on."""
        self._opened += 1
        now_ms = self._clock.now_ms
        stream = Stream(
            number=self._opened,
            token=token,
            watched=watched,
            port=port,
            style=lambda: self.style,
            pauses_ms=lambda: self.pauses_ms,
            silences=self.silences,
            opened_ms=now_ms,
            cursor_ms=now_ms,
        )
        self.streams.append(stream)
        return stream

    def closed(self, stream: Stream) -> None:
        """Forget a stream that has ended."""
        if stream in self.streams:
            self.streams.remove(stream)

    def wake(self) -> None:
        """Let all streams look again at what is due."""
        for stream in self.streams:
            stream.woken.set()

    def close(self) -> None:
        """End all streams."""
        for stream in self.streams:
            stream.troubles.end = End.CLOSED
        self.wake()

    def next_ms(self) -> int | None:
        """Return when something next happens on a stream; None where nothing does."""
        nexts = [at_ms for s in self.streams if (at_ms := s.next_ms()) is not None]
        return min(nexts, default=None)

    def user_id(self, owner: str) -> str:
        """Return a user's id."""
        return made_id("particle user", owner)
