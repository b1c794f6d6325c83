"""Rooms and modules keep their ids while the vendor's hardware changes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count

from hypothesis import given, strategies as st

from custom_components.energy_homes.clouds.netatmo.models import (
    HomeTopology,
    ModuleTopology,
    RoomTopology,
)
from custom_components.energy_homes.heating.model import RoomKind
from custom_components.energy_homes.heating.netatmo.matching import (
    match_rooms,
    merged,
    moved,
    planned,
)
from custom_components.energy_homes.heating.netatmo.model import RoomCall
from custom_components.energy_homes.heating.records import ModuleRecord, RoomRecord

RELAY = ModuleTopology(module_id="relay", kind="NAPlug", name="Relay")
WALL = ModuleTopology(
    module_id="wall", kind="NATherm1", name="Wall", room_id="1", bridge="relay"
)
VALVE = ModuleTopology(
    module_id="valve", kind="NRV", name="Valve", room_id="2", bridge="relay"
)
LIVING = RoomTopology(room_id="1", name="Living room", kind="livingroom")
OFFICE = RoomTopology(room_id="2", name="Office", kind="custom")


def topology(
    rooms: Iterable[RoomTopology] = (LIVING, OFFICE),
    modules: Iterable[ModuleTopology] = (RELAY, WALL, VALVE),
) -> HomeTopology:
    """Return a home of the vendor's."""
    return HomeTopology(
        home_id="home",
        name="Home",
        time_zone=None,
        mode=None,
        mode_end=None,
        default_duration=None,
        cooling=False,
        rooms=tuple(rooms),
        modules=tuple(modules),
    )


def ids(prefix: str = "id") -> Callable[[], str]:
    """Return a source of new ids."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def never() -> str:
    """Fail where a new id is taken though nothing is new."""
    raise AssertionError("nothing is new")


ROOMS, MODULES = merged((), (), topology(), ids())


def rooms_after(
    home: HomeTopology, rooms: Sequence[RoomRecord] = ROOMS
) -> tuple[RoomRecord, ...]:
    """Return the rooms once the vendor tells something else."""
    return merged(rooms, MODULES, home, ids("new"))[0]


def modules_after(
    home: HomeTopology, modules: Sequence[ModuleRecord] = MODULES
) -> tuple[ModuleRecord, ...]:
    """Return the modules once the vendor tells something else."""
    return merged(ROOMS, modules, home, ids("new"))[1]


def test_first_records() -> None:
    """A home's heated rooms and heating modules get ids, linked by these."""
    camera = ModuleTopology(module_id="c", kind="NACamera", name="Eye", room_id="3")
    cellar = RoomTopology(room_id="3", name="Cellar", kind="custom")
    rooms, modules = merged(
        (), (), topology((LIVING, OFFICE, cellar), (RELAY, WALL, VALVE, camera)), ids()
    )
    assert rooms == (
        RoomRecord(
            room_id="id1",
            hardware_id="1",
            name="Living room",
            kind=RoomKind.THERMOSTAT,
            call=RoomCall.SETROOMTHERMPOINT,
        ),
        RoomRecord(
            room_id="id2",
            hardware_id="2",
            name="Office",
            kind=RoomKind.VALVE,
            call=RoomCall.SETROOMTHERMPOINT,
        ),
    )
    assert modules == (
        ModuleRecord(module_id="id3", hardware_id="relay", kind="NAPlug", name="Relay"),
        ModuleRecord(
            module_id="id4",
            hardware_id="wall",
            kind="NATherm1",
            name="Wall",
            room_id="id1",
            bridge_id="id3",
        ),
        ModuleRecord(
            module_id="id5",
            hardware_id="valve",
            kind="NRV",
            name="Valve",
            room_id="id2",
            bridge_id="id3",
        ),
    )


def test_names_kinds_and_calls_follow_the_vendor() -> None:
    """A renamed room with other hardware in it stays the room that it is."""
    study = replace(OFFICE, name="Study")
    thermostat = replace(VALVE, module_id="otm", kind="OTM")
    rooms, modules = merged(
        ROOMS, MODULES, topology((LIVING, study), (RELAY, WALL, thermostat)), ids("new")
    )
    assert rooms[1] == replace(
        ROOMS[1], name="Study", kind=RoomKind.THERMOSTAT, call=RoomCall.SETSTATE
    )
    assert [(m.module_id, m.kind, m.gone) for m in modules] == [
        ("id3", "NAPlug", False),
        ("id4", "NATherm1", False),
        ("id5", "NRV", True),
        ("new1", "OTM", False),
    ]


def test_what_has_no_name() -> None:
    """Without a name there is the one that was, else the vendor's id or type."""
    nameless = (replace(LIVING, name=""), replace(OFFICE, name=""))
    things = tuple(replace(module, name="") for module in (RELAY, WALL, VALVE))
    rooms, modules = merged((), (), topology(nameless, things), ids())
    assert [room.name for room in rooms] == ["1", "2"]
    assert [module.name for module in modules] == ["NAPlug", "NATherm1", "NRV"]

    rooms, modules = merged(ROOMS, MODULES, topology(nameless, things), never)
    assert rooms == ROOMS
    assert modules == MODULES
    others = (replace(LIVING, room_id="8", name=""), replace(OFFICE, name=""))
    assert [room.gone for room in rooms_after(topology(others))] == [True, False]


def test_gone_rooms_stay_on_record_and_come_back() -> None:
    """A room that is not there is gone, and revived under its id by id or by name."""
    without = topology((LIVING,), (RELAY, WALL))
    rooms, modules = merged(ROOMS, MODULES, without, never)
    assert rooms == (ROOMS[0], replace(ROOMS[1], gone=True))
    assert modules == (*MODULES[:2], replace(MODULES[2], gone=True))

    assert merged(rooms, modules, topology(), never) == (ROOMS, MODULES)
    again = replace(OFFICE, room_id="9", name=" OFFICE")
    valve = replace(VALVE, module_id="other", room_id="9")
    revived, valves = merged(
        rooms, modules, topology((LIVING, again), (RELAY, WALL, valve)), never
    )
    assert revived[1] == replace(ROOMS[1], hardware_id="9", name=" OFFICE")
    assert valves[2] == replace(MODULES[2], hardware_id="other")


def test_room_that_is_there_comes_before_one_that_is_gone() -> None:
    """Of two rooms with the name the present one takes the new id."""
    gone = replace(ROOMS[1], room_id="gone", hardware_id="7", gone=True)
    other = topology(
        (LIVING, replace(OFFICE, room_id="9")),
        (RELAY, WALL, replace(VALVE, room_id="9")),
    )
    rooms = rooms_after(other, (gone, *ROOMS))
    assert [(room.room_id, room.hardware_id, room.gone) for room in rooms] == [
        ("gone", "7", True),
        ("id1", "1", False),
        ("id2", "9", False),
    ]


def test_names_that_are_not_unique_match_nothing() -> None:
    """Of two rooms with one name nobody can say which is which."""
    twins = (
        replace(OFFICE, room_id="8", name="office "),
        replace(OFFICE, room_id="9"),
    )
    valves = (
        replace(VALVE, room_id="8"),
        replace(VALVE, module_id="valve2", room_id="9"),
    )
    rooms = rooms_after(topology((LIVING, *twins), (RELAY, WALL, *valves)))
    assert [room.room_id for room in rooms if not room.gone] == ["id1", "new1", "new2"]


def test_planned_id() -> None:
    """A room that somebody has matched is found under its planned id, whatever its name."""
    (living,) = planned(ROOMS[:1], {"id1": "8", "id2": "9"})
    assert living.planned == ("8",)
    assert living.hardware_id == "1"
    assert RoomRecord.from_data(living.as_data()) == living
    lounge = replace(LIVING, room_id="8", name="Lounge")
    other = topology((lounge,), (RELAY, replace(WALL, room_id="8")))
    rooms, _ = merged((living,), MODULES[:2], other, never)
    assert rooms == (replace(ROOMS[0], hardware_id="8", name="Lounge"),)


def test_room_that_is_planned_to_go_has_no_plan() -> None:
    """Without a counterpart a room stays as it is until the other home is reported."""
    assert planned(ROOMS, {"id1": None}) == ROOMS


def test_moved() -> None:
    """Rooms that were matched by hand have their new ids at once; the others go."""
    gone = replace(ROOMS[0], gone=True)
    assert moved((gone, ROOMS[1]), {"id1": "8"}) == (
        replace(ROOMS[0], hardware_id="8"),
        ROOMS[1],
    )
    assert moved(ROOMS, {"id2": None}) == (ROOMS[0], replace(ROOMS[1], gone=True))


def test_exchanged_hardware() -> None:
    """One valve for another in a room, and one relay for another, are the same places."""
    relay = replace(RELAY, module_id="relay2", name="Relay 2")
    valve = replace(VALVE, module_id="valve2", bridge="relay2")
    modules = modules_after(
        topology(modules=(relay, replace(WALL, bridge="relay2"), valve))
    )
    assert modules == (
        replace(MODULES[0], hardware_id="relay2", name="Relay 2"),
        MODULES[1],
        replace(MODULES[2], hardware_id="valve2"),
    )


def test_two_valves_for_one() -> None:
    """Where more than one came or went, what came is new."""
    two = (
        replace(VALVE, module_id="valve2"),
        replace(VALVE, module_id="valve3"),
    )
    modules = modules_after(topology(modules=(RELAY, WALL, *two)))
    assert [(m.module_id, m.gone) for m in modules[2:]] == [
        ("id5", True),
        ("new1", False),
        ("new2", False),
    ]


def test_same_type_in_another_room_is_another_module() -> None:
    """A valve that turns up elsewhere is not the one that went."""
    valve = replace(VALVE, module_id="valve2", room_id="1")
    home = topology(modules=(RELAY, WALL, valve))
    assert [(m.module_id, m.gone) for m in modules_after(home)[2:]] == [
        ("id5", True),
        ("new1", False),
    ]


def test_valve_that_moves_is_the_same_valve() -> None:
    """The vendor's id counts more than the room; a valve may be in no room."""
    modules = modules_after(
        topology(modules=(RELAY, WALL, replace(VALVE, room_id="1")))
    )
    assert modules[2] == replace(MODULES[2], room_id="id1")
    loose = replace(VALVE, module_id="spare", room_id=None, bridge="elsewhere")
    modules = modules_after(topology(modules=(RELAY, WALL, VALVE, loose)))
    assert modules[3] == ModuleRecord(
        module_id="new1", hardware_id="spare", kind="NRV", name="Valve"
    )
    another = replace(loose, module_id="spare2")
    after = modules_after(topology(modules=(RELAY, WALL, VALVE, another)), modules)
    assert [(m.hardware_id, m.gone) for m in after[3:]] == [
        ("spare", True),
        ("spare2", False),
    ]


def test_half_an_answer_is_not_believed() -> None:
    """A home without a heating module, or without rooms, says nothing of what is gone."""
    for empty in (topology((), ()), topology(modules=()), topology(rooms=())):
        assert merged(ROOMS, MODULES, empty, never) == (ROOMS, MODULES)
    assert merged((), (), topology((), ()), never) == ((), ())
    # The last room may go where the relay is still there.
    rooms, modules = merged(ROOMS, MODULES, topology((LIVING,), (RELAY,)), never)
    assert all(room.gone for room in rooms)
    assert [module.gone for module in modules] == [False, True, True]
    # What is gone already cannot be lost.
    assert merged(rooms, modules[1:], topology((), ()), never)[0] == rooms


def test_match_rooms_of_another_home() -> None:
    """Rooms are found by id and name; the rest is left for somebody who knows."""
    gone = RoomRecord(
        room_id="id9",
        hardware_id="99",
        name="Attic",
        kind=RoomKind.VALVE,
        call=RoomCall.SETROOMTHERMPOINT,
        gone=True,
    )
    lounge = replace(LIVING, room_id="8", name="Lounge")
    attic = replace(LIVING, room_id="7", name="Attic")
    office = replace(OFFICE, room_id="9", name="office")
    other = topology(
        (lounge, attic, office),
        (
            RELAY,
            replace(WALL, room_id="8"),
            replace(VALVE, room_id="9"),
            replace(VALVE, module_id="valve2", room_id="7"),
        ),
    )
    match = match_rooms((*ROOMS, gone), other)
    assert match.matched == {"id2": "9"}
    assert match.records == ROOMS[:1]
    assert match.rooms == (lounge, attic)


NAMES = st.sampled_from(["", "Office", "office ", "Hall", "Bath"])
ROOM_IDS = st.sampled_from("12345")
KINDS = st.sampled_from(["NRV", "NATherm1", "OTM", "NAPlug", "NACamera"])


@st.composite
def homes(draw: st.DrawFn, *, whole: bool = False) -> HomeTopology:
    """Return a home with rooms and modules that may be anything; a `whole` one has both."""
    room_ids = draw(st.lists(ROOM_IDS, unique=True, min_size=whole))
    module_ids = draw(st.lists(st.sampled_from("abcdefg"), unique=True))
    modules = [
        ModuleTopology(
            module_id=m,
            kind=draw(KINDS),
            name=draw(NAMES),
            room_id=draw(st.none() | ROOM_IDS),
            bridge=draw(st.none() | st.sampled_from("abcdefg")),
        )
        for m in module_ids
    ]
    return topology(
        [RoomTopology(room_id=r, name=draw(NAMES), kind="custom") for r in room_ids],
        [*modules, *[RELAY][:whole]],
    )


@given(st.lists(homes(), min_size=1, max_size=4))
def test_ids_last(reported: list[HomeTopology]) -> None:
    """Whatever is reported, ids are neither lost, doubled nor changed; twice is once."""
    rooms: tuple[RoomRecord, ...] = ()
    modules: tuple[ModuleRecord, ...] = ()
    new_id = ids()
    for home in reported:
        before = [room.room_id for room in rooms], [m.module_id for m in modules]
        rooms, modules = merged(rooms, modules, home, new_id)

        room_ids = [room.room_id for room in rooms]
        module_ids = [module.module_id for module in modules]
        assert (room_ids[: len(before[0])], module_ids[: len(before[1])]) == before
        assert len({*room_ids, *module_ids}) == len(room_ids) + len(module_ids)
        for module in modules:
            assert module.room_id in {None, *room_ids}
            assert module.bridge_id in {None, *module_ids}
        assert merged(rooms, modules, home, never) == (rooms, modules)


@given(st.lists(homes(whole=True), min_size=1, max_size=4))
def test_what_is_there_is_there(reported: list[HomeTopology]) -> None:
    """Exactly what the vendor lists is not gone, each once."""
    rooms: tuple[RoomRecord, ...] = ()
    modules: tuple[ModuleRecord, ...] = ()
    new_id = ids()
    for home in reported:
        rooms, modules = merged(rooms, modules, home, new_id)

        assert sorted(room.hardware_id for room in rooms if not room.gone) == sorted(
            room.room_id for room in home.heated_rooms
        )
        assert sorted(m.hardware_id for m in modules if not m.gone) == sorted(
            module.module_id for module in home.modules if module.heats
        )
