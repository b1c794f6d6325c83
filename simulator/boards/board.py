"""A pulse board as it is: a buffer of five, retries after 2 s, a clock that wraps."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from simulator.boards.led import Led
from simulator.boards.plan import BoardPlan, ChannelPlan, Style
from simulator.boards.sender import NOTHING, Answer
from simulator.clock import Clock
from simulator.home import Signal, kwh

BUFFER = 5
RETRY_MS = 2000
WRAP = 1 << 32
SIGN_BIT = 1 << 31
PARTS_PER_MILLION = 1_000_000
KEPT_ANSWERS = 100


class Phase(StrEnum):
    """What a board is doing."""

    OFF = "off"
    HALTED = "halted"
    """It waits for its power-up to be answered with HTTP 200; meters go on flashing."""
    RUNNING = "running"


class Send(Protocol):
    """The way from a board to Home Assistant and back."""

    async def __call__(
        self, url: str, style: Style, fields: Mapping[str, str]
    ) -> Answer:
        """Send fields and return the answer."""


@dataclass
class Tally:
    """What became of a meter's pulses since the board was first switched on.

    `produced` are those of the meter. `off` fell into time without power, `overrun` into a
    full buffer, `forgotten` were in the buffer at a restart; `waiting` are in it now. The
    others are `acknowledged`: the board saw an answer that they are kept. `answered` are
    pulses that Home Assistant said it kept, whether the board saw that or not.
    """

    produced: int = 0
    off: int = 0
    overrun: int = 0
    forgotten: int = 0
    acknowledged: int = 0
    answered: int = 0


@dataclass
class Channel:
    """A meter's LED and the board's buffer for it."""

    plan: ChannelPlan
    signal: Signal
    led: Led
    since_ms: int
    tally: Tally = field(default_factory=Tally)
    buffer: deque[int] = field(default_factory=deque)
    answered: set[int] = field(default_factory=set)
    retry_ms: int = 0

    def see(self, to_ms: int, on: bool) -> None:
        """Let the meter flash up to an instant."""
        for flash_ms in self.led.take(to_ms):
            self.tally.produced += 1
            if not on:
                self.tally.off += 1
            elif len(self.buffer) >= BUFFER:
                self.tally.overrun += 1
            else:
                self.buffer.append(flash_ms)

    def forget(self) -> None:
        """Lose what is in the buffer."""
        self.tally.forgotten += len(self.buffer)
        self.buffer.clear()
        self.retry_ms = 0

    def due_ms(self) -> int | None:
        """Return when the board next has something of this channel to send."""
        if self.buffer:
            return max(self.buffer[0], self.retry_ms)
        return self.led.next_ms()

    def truth(self, now_ms: int) -> dict[str, Any]:
        """Return what is true of the meter, whatever was sent."""
        return {
            "pulses_per_kwh": self.plan.pulses_per_kwh,
            "power_w": round(self.signal.watts(now_ms), 3),
            "energy_kwh": kwh(self.signal.energy(self.since_ms, now_ms)),
            **asdict(self.tally),
            "waiting": len(self.buffer),
        }


class Board:
    """One board; it sends one thing at a time."""

    def __init__(
        self, plan: BoardPlan, signals: Mapping[int, Signal], clock: Clock
    ) -> None:
        """Make a board that is switched off."""
        now_ms = clock.now_ms
        self.plan = plan
        self._clock = clock
        self.phase = Phase.OFF
        self.url: str | None = None
        self.style = Style.GET
        self.signed = True
        self.drift_ppm = 0
        self.lose_requests = 0
        self.lose_answers = 0
        self.overtake = False
        self.answers: deque[tuple[dict[str, str], int, str]] = deque(
            maxlen=KEPT_ANSWERS
        )
        self.life = 0
        self._present_ms = now_ms
        self._boot_ms = now_ms
        self._uptime_ms = 0
        self._retry_ms = now_ms
        self._orders: deque[dict[str, str]] = deque()
        self.signals = signals
        self.channels: list[Channel] = []

    def power_on(self, *, announced: bool = True, uptime_ms: int = 0) -> None:
        """Begin, or begin anew where it is on: the buffers are empty, the clock at zero.

        `uptime_ms` lets it have been on for a while, so that a wrap comes soon.
        """
        now_ms = self._clock.now_ms
        if not self.channels:
            self.channels = [
                Channel(
                    plan,
                    signal := self.signals[plan.channel],
                    Led(signal, plan.pulses_per_kwh, now_ms),
                    now_ms,
                )
                for plan in self.plan.channels
            ]
        self._see(now_ms)
        self._forget()
        self._boot_ms, self._uptime_ms = now_ms, uptime_ms
        self._retry_ms = now_ms
        self.phase = Phase.HALTED if announced else Phase.RUNNING

    def power_off(self) -> None:
        """Lose the power."""
        self._see(self._clock.now_ms)
        self._forget()
        self.phase = Phase.OFF

    def order(self, fields: Mapping[str, str]) -> None:
        """Let the board send something else, once, whatever is answered."""
        self._orders.append(dict(fields))

    def stamp(self, at_ms: int) -> str:
        """Return what the board prints for an instant."""
        passed = at_ms - self._boot_ms
        passed += passed * self.drift_ppm // PARTS_PER_MILLION
        millis = (self._uptime_ms + passed) % WRAP
        return str(millis - WRAP if self.signed and millis >= SIGN_BIT else millis)

    def due_ms(self) -> int | None:
        """Return when the board next sends something; None where it never does."""
        if self.phase is Phase.OFF or self.url is None:
            return None
        if self.phase is Phase.HALTED or self._orders:
            return self._retry_ms if self.phase is Phase.HALTED else self._present_ms
        dues = [due for c in self.channels if (due := c.due_ms()) is not None]
        return max(min(dues), self._present_ms) if dues else None

    async def act(self, send: Send) -> None:
        """Send one thing that is due; with a frozen clock that takes no time."""
        due_ms = self.due_ms()
        if due_ms is None or due_ms > self._clock.now_ms:
            return
        self._see(due_ms)
        if self.phase is Phase.HALTED:
            life = self.life
            answer = await self._send(send, {"powerup": "true"})
            if life != self.life:
                return
            if answer.status == 200:
                self.phase = Phase.RUNNING
            else:
                self._retry_ms = self._present_ms + RETRY_MS
        elif self._orders:
            await self._send(send, self._orders.popleft())
        else:
            await self._send_pulse(send, due_ms)

    def call(self, url: str, style: Style) -> None:
        """Send to another address from now on."""
        self.catch_up()
        self.url, self.style = url, style

    def catch_up(self) -> None:
        """See the flashes up to now, unless something older is still to be sent."""
        now_ms = self._clock.now_ms
        if (due_ms := self.due_ms()) is None or due_ms > now_ms:
            self._see(now_ms)

    def truth(self) -> dict[int, dict[str, Any]]:
        """Return what is true of each channel."""
        self.catch_up()
        return {c.plan.channel: c.truth(self._clock.now_ms) for c in self.channels}

    async def _send_pulse(self, send: Send, due_ms: int) -> None:
        """Send the oldest pulse of the channel that has waited longest, or the newest."""
        dues = [(due, c) for c in self.channels if (due := c.due_ms()) is not None]
        channel = min(dues, key=lambda item: item[0])[1]
        flash_ms = channel.buffer[-1 if self.overtake else 0]
        fields = {
            "channel": str(channel.plan.channel),
            "millis": self.stamp(flash_ms),
        }
        life = self.life
        answer = await self._send(send, fields, channel, flash_ms)
        if life != self.life:
            return
        if answer.taken:
            channel.buffer.remove(flash_ms)
            channel.tally.acknowledged += 1
            channel.answered.discard(flash_ms)
            channel.retry_ms = 0
        else:
            channel.retry_ms = self._present_ms + RETRY_MS

    async def _send(
        self,
        send: Send,
        fields: dict[str, str],
        channel: Channel | None = None,
        flash_ms: int = 0,
    ) -> Answer:
        """Send something and return what the board sees of the answer."""
        assert self.url is not None, "Due only with an address"
        if self.lose_requests > 0:
            self.lose_requests -= 1
            return NOTHING
        answer = await send(self.url, self.style, fields)
        if self._clock.running:
            self._see(self._clock.now_ms)
        self.answers.append((fields, answer.status, answer.text))
        if channel is not None and answer.taken:
            channel.tally.answered += flash_ms not in channel.answered
            channel.answered.add(flash_ms)
        if self.lose_answers > 0:
            self.lose_answers -= 1
            return NOTHING
        return answer

    def _see(self, to_ms: int) -> None:
        """Let the meters flash up to an instant."""
        self._present_ms = max(self._present_ms, to_ms)
        for channel in self.channels:
            channel.see(to_ms, self.phase is not Phase.OFF)

    def _forget(self) -> None:
        """Lose what only the board's memory had."""
        self.life += 1
        self._orders.clear()
        for channel in self.channels:
            channel.forget()
