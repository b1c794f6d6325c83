"""Every shape of the Efergy cloud's replies that was seen, and some that were not."""

from datetime import UTC, datetime, timedelta
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.clouds.efergy import parse
from custom_components.energy_homes.clouds.efergy.models import (
    CurrentValue,
    EnergySum,
    InstantValue,
    SeriesPoint,
)
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.metering.model import MeterRole

STAMP_MS = 1485853183000
STAMP = datetime(2017, 1, 31, 8, 59, 43, tzinfo=UTC)
PARSERS = (
    parse.current_values,
    parse.instant,
    parse.energy_sum,
    parse.household,
    parse.first_data,
    parse.series,
    parse.history,
)


def value(**changes: object) -> dict[str, object]:
    """Return an element of the summary."""
    return {
        "cid": "PWER",
        "data": [{str(STAMP_MS): 218}],
        "sid": "728386",
        "units": "kWm",
        "age": 3,
        **changes,
    }


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"status":"error","description":"bad token"}', CloudAuthError),
        (b'{"status":"error","desc":"Bad token"}', CloudAuthError),
        (b'{"status":"error","description":"Invalid Token!"}', CloudAuthError),
        (b'{"description":"bad token"}', CloudAuthError),
        (b'{"error":{"id":403,"desc":"no"}}', CloudAuthError),
        (b'{"error":{"id":400,"desc":"x","more":"Bad token"}}', CloudAuthError),
        (b'{"error":{"id":404,"desc":"string"}}', CloudQuotaError),
        (b'{"error":{"id":"404","desc":"bad token"}}', CloudQuotaError),
        (b'{"error":{"id":429}}', CloudQuotaError),
        (b'{"status":"error","desc":"Method call failed"}', CloudOutageError),
        (b'{"error":{"id":500,"desc":"string"}}', CloudOutageError),
        (
            b'{"error":{"desc":"Bad request","more":"HID does not exist","id":400}}',
            CloudOutageError,
        ),
        (b'{"status":"error","desc":"something new"}', CloudOutageError),
        (b'{"error":"something new"}', CloudOutageError),
        (b'{"status":"error"}', CloudOutageError),
        (
            b'{"error":{"id":400,"more":"Bad formatting for : period"}}',
            CloudRequestError,
        ),
        (b"", CloudOutageError),
        (b" \r\n", CloudOutageError),
        (b"<!DOCTYPE html><html>continue to ...</html>", CloudOutageError),
        (b'\n <html lang="en">', CloudOutageError),
        (b'[{"cid":"PWER","data":[{"14858', CloudNonsenseError),
        (b"}{", CloudNonsenseError),
        (b"ok", CloudNonsenseError),
        (b"\xff\xfe\x00", CloudNonsenseError),
        (b"[NaN]", CloudNonsenseError),
    ],
)
def test_error_replies(body: bytes, kind: type[CloudError]) -> None:
    """Each way to fail is of one kind."""
    with pytest.raises(CloudError) as caught:
        parse.decode(body)
    assert type(caught.value) is kind
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "body", [b'{"status":"ok","desc":"bad token"}', b"[]", b"{}", b'{"error":null}']
)
def test_what_is_no_error(body: bytes) -> None:
    """A reply that reports no error is left alone."""
    assert parse.decode(body) == json.loads(body)


def test_byte_order_mark() -> None:
    """A byte order mark before the JSON is no nonsense."""
    assert parse.decode(b"\xef\xbb\xbf[]") == []


def test_current_values_as_recorded() -> None:
    """The number is W whatever the units say; stamps are milliseconds in a string."""
    reply = [
        value(),
        value(sid="0", data=[{"1485695742000": 1808}], age=157444),
        value(cid="PWER_GAC", sid="728387", units=None, age=5),
    ]
    consumption, ghost, solar = parse.current_values(reply)
    assert consumption == CurrentValue(
        sid="728386",
        cid="PWER",
        role=MeterRole.GRID,
        power=218.0,
        at=STAMP,
        age=timedelta(seconds=3),
    )
    assert ghost.age == timedelta(seconds=157444)
    assert solar.role is MeterRole.GENERATION


@pytest.mark.parametrize(
    ("element", "power"),
    [
        (value(data=[{STAMP_MS: "218.5"}], sid=728386, age="3"), 218.5),
        (value(data={str(STAMP_MS): 0}), 0.0),
        (value(data=[{str(STAMP_MS): -1200}], extra={"a": 1}), -1200.0),
        (value(data=[{str(STAMP_MS - 30_000): 1, str(STAMP_MS): 2}]), 2.0),
        (value(data=[{str(STAMP_MS): 2}, {str(STAMP_MS - 30_000): 1}]), 2.0),
        (value(data=[{str(STAMP_MS): "undef"}, {str(STAMP_MS - 1): 7}]), 7.0),
        (value(data=[]), None),
        (value(data=None), None),
        (value(data=[{}]), None),
        (value(data=[{str(STAMP_MS): "undef"}]), None),
        (value(data=[{str(STAMP_MS): None}]), None),
    ],
)
def test_shapes_of_a_value(element: dict[str, object], power: float | None) -> None:
    """Zero is a power, no reading is none, and of several the newest counts."""
    (current,) = parse.current_values([element])
    assert current.sid == "728386"
    assert current.power == power
    assert current.nonsense is None


@pytest.mark.parametrize(
    "data",
    [
        [{str(STAMP_MS): "much"}],
        [{str(STAMP_MS): [1]}],
        [{str(STAMP_MS): True}],
        [{str(STAMP_MS): 1e9}],
        [{str(STAMP_MS): "inf"}],
        [{str(STAMP_MS // 1000): 218}],
        [{"now": 218}],
        [218],
        "218",
    ],
)
def test_nonsense_of_one_meter_spares_the_others(data: object) -> None:
    """A value that cannot be a reading is skipped; alone it is a nonsense reply."""
    broken, sound = parse.current_values([value(sid="1", data=data), value(sid="2")])
    assert broken.power is None
    assert broken.nonsense
    assert sound.power == 218
    with pytest.raises(CloudNonsenseError):
        parse.current_values([value(data=data)])


def test_one_value_per_meter() -> None:
    """A meter that is listed twice counts with its newest value."""
    older = value(data=[{str(STAMP_MS - 30_000): 1}])
    assert [v.power for v in parse.current_values([older, value()])] == [218]
    assert [v.power for v in parse.current_values([value(), older])] == [218]


def test_no_meter() -> None:
    """An empty list is an account without a meter."""
    assert parse.current_values([]) == ()


@pytest.mark.parametrize("reply", [{}, None, "text", 1, ["text"], [{"cid": "PWER"}]])
def test_current_values_of_a_wrong_type(reply: object) -> None:
    """Anything but a list of meters is nonsense."""
    with pytest.raises(CloudNonsenseError):
        parse.current_values(reply)


def test_instant() -> None:
    """The household's power in W, its stamp a number of milliseconds."""
    reply = {"age": 1, "last_reading_time": STAMP_MS, "reading": 1580}
    assert parse.instant(reply) == InstantValue(
        power=1580, at=STAMP, age=timedelta(seconds=1)
    )
    assert parse.instant({"reading": None}).power is None


def test_energy_sum() -> None:
    """The sum is a string of kWh, the duration seconds."""
    reply = {"sum": "38.21", "duration": 70320, "units": "kWh"}
    assert parse.energy_sum(reply) == EnergySum(
        energy=38.21, duration=timedelta(seconds=70320)
    )
    assert parse.energy_sum({"sum": "undef"}).energy is None
    assert parse.energy_sum({"sum": "0.00"}).energy == 0
    with pytest.raises(CloudNonsenseError):
        parse.energy_sum({"sum": "5.27", "units": "GBP"})


def test_household() -> None:
    """A household has an id and its hubs, as far as they are told."""
    found = parse.household(
        {
            "hid": "abc",
            "listOfMacs": [
                {"mac": "ff", "status": "on", "type": "EEEHub", "version": "2.3.7"},
                None,
            ],
        }
    )
    assert found.hid == "abc"
    assert [(hub.mac, hub.kind, hub.on) for hub in found.hubs] == [
        ("ff", "EEEHub", True)
    ]
    assert parse.household({"hid": "abc"}).hubs == ()
    with pytest.raises(CloudNonsenseError):
        parse.household({"hid": None})


def test_first_data() -> None:
    """The beginning of the data is in seconds, a string."""
    reply = {"status": "ok", "firstData": "1533081660"}
    assert parse.first_data(reply) == datetime(2018, 8, 1, 0, 1, tzinfo=UTC)
    assert parse.first_data({"status": "ok"}) is None


def test_series() -> None:
    """What the vendor does not know is None, and stamps come in order."""
    data = {str(STAMP_MS + 60_000): [0.3, "0.33"], str(STAMP_MS): ["undef"]}
    assert parse.series({"status": "ok", "data": data}) == (
        SeriesPoint(STAMP, (None,)),
        SeriesPoint(STAMP + timedelta(minutes=1), (0.3, 0.33)),
    )


def test_history() -> None:
    """A series per meter, in the vendor's unit."""
    data = [{str(STAMP_MS + 60_000): "333.00"}, {str(STAMP_MS): "undef"}]
    (meter,) = parse.history(
        {"status": "ok", "data": [{"data": data, "sid": 591994, "units": "Wm"}]}
    )
    assert (meter.sid, meter.units) == ("591994", "Wm")
    assert [point.value for point in meter.points] == [None, 333.0]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["undef", str(STAMP_MS), "bad token", "PWER"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("data", "sid", "age", "cid", "sum", "units", "hid", "error"),
                    *("status", "desc", "id", "reading", "last_reading_time"),
                    *("firstData", "listOfMacs", "duration", str(STAMP_MS)),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_json_is_read_or_refused_by_kind(reply: object) -> None:
    """No reply whatever brings up anything but a kind of CloudError."""
    for read in PARSERS:
        try:
            parse.raise_for_error(reply)
            read(reply)
        except CloudError:
            continue


@given(st.binary(max_size=60))
def test_any_body_is_read_or_refused_by_kind(body: bytes) -> None:
    """No body whatever brings up anything but a kind of CloudError."""
    try:
        parse.current_values(parse.decode(body))
    except CloudError:
        return
