"""A heated home as it is shown, from what the vendor says and what was asked. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ...clouds.netatmo.models import HomeStatus, ModuleStatus, RoomStatus
from ...heating.model import SetpointMode
from ...heating.netatmo.active import RoomReport
from ...heating.netatmo.battery import battery_percent
from ...heating.netatmo.model import VendorMode, mode_shown
from ...heating.netatmo.outlook import HomeOutlook
from ...heating.netatmo.room import RoomState
from ...heating.records import ModuleRecord, RoomRecord
from ...heating.view import HeatingData, ModuleView, RoomView
from .reported import ReportedHome

_ON_SCHEDULE = frozenset({VendorMode.SCHEDULE, VendorMode.HOME})


@dataclass(frozen=True, slots=True)
class Setting:
    """What a room is set to: our mode, °C, and when that ends (UTC)."""

    mode: SetpointMode | None = None
    setpoint: float | None = None
    until: datetime | None = None
    emulated: bool = False


def heating_data(
    home: ReportedHome,
    outlook: HomeOutlook,
    rooms: Mapping[str, RoomState],
    modules: Iterable[ModuleRecord],
    now: datetime,
) -> HeatingData:
    """Return a heated home as it is shown; `outlook` is with what was asked of the home."""
    known = tuple(modules)
    status = home.status
    reached = reachable_modules(known, status)
    reports = {} if status is None else status.modules
    boilers = [m.boiler_on for m in reports.values() if m.boiler_on is not None]
    boiler_on = any(boilers) if boilers else None
    return HeatingData(
        available=home.available,
        controllable=home.controllable,
        rooms={
            room_id: room_view(
                state,
                None if status is None else status.rooms.get(state.record.hardware_id),
                outlook,
                now,
                reachable=room_reachable(state.record, status, known, reached),
                boiler_on=boiler_on,
            )
            for room_id, state in rooms.items()
        },
        modules={
            module.module_id: module_view(
                module,
                reports.get(module.hardware_id),
                reachable=reached[module.module_id],
            )
            for module in known
        },
        mode=outlook.mode_at(now),
        mode_until=outlook.end_at(now),
        schedule=None if outlook.schedule is None else outlook.schedule.name,
        schedules=tuple(schedule.name for schedule in home.schedules),
        boiler_on=boiler_on,
        updated=home.status_at,
    )


def room_report(
    status: RoomStatus, asked_at: datetime, reported_at: datetime | None
) -> RoomReport:
    """Return what a status says that a room is set to."""
    return RoomReport(
        mode=status.mode,
        setpoint=status.setpoint,
        end=status.setpoint_end,
        asked_at=asked_at,
        reported_at=reported_at,
        start=status.setpoint_start,
    )


def room_view(
    state: RoomState,
    status: RoomStatus | None,
    outlook: HomeOutlook,
    now: datetime,
    *,
    reachable: bool | None,
    boiler_on: bool | None,
) -> RoomView:
    """Return a room as it is shown."""
    reported = status or RoomStatus(room_id=state.record.hardware_id)
    setting = _asked(state, reported, outlook, now) or _reported(
        state.record, reported, outlook, now
    )
    return RoomView(
        room_id=state.record.room_id,
        kind=state.record.kind,
        reachable=reachable,
        temperature=reported.temperature,
        setpoint=setting.setpoint,
        mode=setting.mode,
        until=setting.until,
        emulated=setting.emulated,
        pending=state.pending,
        heating_power_request=reported.heating_power_request,
        boiler_on=boiler_on,
        open_window=reported.open_window,
        anticipating=reported.anticipating,
    )


def module_view(
    record: ModuleRecord, status: ModuleStatus | None, *, reachable: bool | None
) -> ModuleView:
    """Return a module as it is shown."""
    if status is None:
        return ModuleView(module_id=record.module_id, reachable=reachable)
    return ModuleView(
        module_id=record.module_id,
        reachable=reachable,
        battery=battery_percent(record.kind, status.battery_mv, status.battery_state),
        rf_strength=status.rf_strength,
        wifi_strength=status.wifi_strength,
        firmware=None if status.firmware is None else str(status.firmware),
        boiler_on=status.boiler_on,
    )


def reachable_modules(
    modules: Iterable[ModuleRecord], status: HomeStatus | None
) -> Mapping[str, bool | None]:
    """Return which modules the vendor reaches, by our own ids; None where it does not say.

    What is behind a gateway that is off is not reached either.
    """
    known = tuple(modules)
    if status is None:
        return dict.fromkeys((module.module_id for module in known), None)
    cut_off = {p.module_id for p in status.problems if p.unreachable}
    silent = {m.module_id for m in known if m.hardware_id in cut_off}
    found: dict[str, bool | None] = {}
    for module in known:
        reported = status.modules.get(module.hardware_id)
        if silent & {module.module_id, module.bridge_id}:
            found[module.module_id] = False
        elif reported is None:
            # Without anything about any room the vendor has lost touch with all of them.
            found[module.module_id] = None if status.rooms else False
        elif reported.reachable is not None:
            found[module.module_id] = reported.reachable
        else:
            # A gateway says so by being listed.
            found[module.module_id] = True if module.bridge_id is None else None
    return found


def room_reachable(
    record: RoomRecord,
    status: HomeStatus | None,
    modules: Iterable[ModuleRecord],
    reached: Mapping[str, bool | None],
) -> bool | None:
    """Return whether the vendor reaches what heats a room; None where it does not say."""
    if status is None:
        return None
    reported = status.rooms.get(record.hardware_id)
    if reported is not None and reported.reachable is not None:
        return reported.reachable
    if not status.rooms:
        return False
    inside = [
        reached[module.module_id]
        for module in modules
        if module.room_id == record.room_id
    ]
    if inside and all(reach is False for reach in inside):
        return False
    return None if reported is None or reported.mode is None else True


def _asked(
    state: RoomState, reported: RoomStatus, outlook: HomeOutlook, now: datetime
) -> Setting | None:
    """Return what was asked of a room; None where the vendor says what holds."""
    if (active := state.shown) is None:
        return None
    plan = active.plan
    if _over(plan.request.until, now):
        return _by_itself(state.record, outlook, now)
    setpoint = plan.temperature
    if not state.pending and reported.setpoint is not None:
        setpoint = reported.setpoint
    if plan.request.mode is not SetpointMode.SCHEDULE:
        return Setting(plan.request.mode, setpoint, plan.request.until, plan.emulated)
    mode = outlook.mode_at(now)
    return Setting(
        SetpointMode.SCHEDULE if mode is None else SetpointMode(mode.value),
        reported.setpoint if setpoint is None else setpoint,
        outlook.end_at(now),
    )


def _reported(
    record: RoomRecord, reported: RoomStatus, outlook: HomeOutlook, now: datetime
) -> Setting:
    """Return what the vendor says that a room is set to, until that ends."""
    if reported.mode is None:
        return Setting(setpoint=reported.setpoint)
    if reported.mode not in _ON_SCHEDULE and _over(reported.setpoint_end, now):
        return _by_itself(record, outlook, now)
    mode = mode_shown(reported.mode, reported.setpoint, record.kind)
    return Setting(
        mode,
        reported.setpoint,
        None if reported.mode in _ON_SCHEDULE else reported.setpoint_end,
        reported.mode is VendorMode.MANUAL and mode is not SetpointMode.MANUAL,
    )


def _by_itself(record: RoomRecord, outlook: HomeOutlook, now: datetime) -> Setting:
    """Return what a room does that is set to nothing."""
    mode = outlook.mode_at(now)
    return Setting(
        SetpointMode.SCHEDULE if mode is None else SetpointMode(mode.value),
        outlook.temperature(record.hardware_id, now),
        outlook.end_at(now),
    )


def _over(until: datetime | None, now: datetime) -> bool:
    """Return whether an end has come."""
    return until is not None and until <= now
