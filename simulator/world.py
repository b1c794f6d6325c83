"""The simulated world: clock, homes, accounts, faults and calls."""

from dataclasses import dataclass, field

from simulator.boards.state import BoardState
from simulator.calls import CallLog
from simulator.clock import Clock
from simulator.faults import Faults
from simulator.home import SECONDS_PER_DAY, Household
from simulator.meter import Meter, Role
from simulator.netatmo.state import NetatmoState
from simulator.noise import mix_seed
from simulator.particle.state import ParticleState
from simulator.scenario import (
    BOARD_SCENARIO,
    DAEMON_SCENARIO,
    DEFAULT_SCENARIO,
    NETATMO_CLIENTS,
    NETATMO_SCENARIO,
    PARTICLE_SCENARIO,
    AccountPlan,
    MeterPlan,
)

PAST_DAYS = 60
GHOST_AGE_MS = 157_444_000
MS_PER_DAY = SECONDS_PER_DAY * 1000


@dataclass
class Account:
    """A vendor account with its household's meters."""

    token: str
    hid: str
    origin_ms: int
    ghost_ms: int
    meters: list[Meter] = field(default_factory=list)

    def listed(self, now_ms: int) -> list[Meter]:
        """Return the meters the account shows."""
        return [meter for meter in self.meters if meter.listed(now_ms)]

    def find(self, sid: str) -> Meter | None:
        """Return the newest meter with a sid, also a removed one."""
        return next((m for m in reversed(self.meters) if m.sid == sid), None)


class World:
    """Everything the clouds' handlers read."""

    def __init__(self, seed: int, clock: Clock) -> None:
        """Make the world that belongs to a seed."""
        self.seed = seed
        self.clock = clock
        self.faults = Faults()
        self.calls = CallLog()
        self.accounts: dict[str, Account] = {}
        self.origin_ms = 0
        self.netatmo: NetatmoState
        self.boards: BoardState
        self.particle: ParticleState
        self._households: dict[tuple[int, float], Household] = {}
        self._populate()

    def reset(self, frozen_ms: int | None = None) -> None:
        """Go back to the beginning, or begin frozen at another instant."""
        self.faults.clear()
        self.calls.clear()
        self.particle.close()
        self.clock.reset()
        if frozen_ms is not None:
            self.clock.run(running=False)
            self.clock.set(frozen_ms)
        self._populate()

    def add_account(self, plan: AccountPlan) -> Account:
        """Add an account, whose meters have the same past as all others."""
        account = self.accounts[plan.token] = Account(
            plan.token,
            plan.hid,
            self.origin_ms,
            self.clock.now_ms // 1000 * 1000 - GHOST_AGE_MS,
        )
        for meter in plan.meters:
            self.add_meter(account, meter, self.origin_ms)
        return account

    def add_meter(self, account: Account, plan: MeterPlan, since_ms: int) -> Meter:
        """Add a meter that publishes from an instant on."""
        household = self._household(plan.seed, plan.solar_peak_w)
        signal = household.grid if plan.role is Role.GRID else household.generation
        meter = Meter(
            sid=plan.sid,
            role=plan.role,
            home=plan.home,
            signal=signal,
            seed=mix_seed(self.seed, plan.seed, plan.role, plan.sid),
            since_ms=since_ms,
        )
        account.meters.append(meter)
        return meter

    def _populate(self) -> None:
        """Make the accounts of the scenario, with their past."""
        now_ms = self.clock.now_ms
        self.origin_ms = (now_ms // MS_PER_DAY - PAST_DAYS) * MS_PER_DAY
        self.accounts.clear()
        for plan in DEFAULT_SCENARIO:
            self.add_account(plan)
        self.netatmo = NetatmoState(
            self.seed, now_ms, NETATMO_CLIENTS, NETATMO_SCENARIO
        )
        self.boards = BoardState(self.seed, self.clock, self._home_of_board)
        self.boards.add(BOARD_SCENARIO, DAEMON_SCENARIO)
        self.particle = ParticleState(
            self.seed, self.clock, self._home_of_board, PARTICLE_SCENARIO
        )

    def _home_of_board(self, seed: int) -> tuple[Household, int]:
        """Return the home of a seed without panels, and the seed of its habits."""
        return self._household(seed, 0.0), mix_seed(self.seed, seed)

    def _household(self, seed: int, solar_peak_w: float) -> Household:
        """Return the home of a seed, the same one for all its meters."""
        key = (seed, solar_peak_w)
        if key not in self._households:
            self._households[key] = Household(mix_seed(self.seed, seed), solar_peak_w)
        return self._households[key]
