"""Reports of sensor daemons: 201, 400, 422 and partial failure."""

from contextlib import suppress
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.boards.remote import (
    MAX_SENSORS,
    MAX_UPDATE,
    RemoteReading,
    RemoteReply,
    RemoteUpdate,
    RemoteUpdateError,
    read_update,
    update_reply,
)


def report(sensors: Any, host_id: Any = "pi") -> RemoteUpdate:
    """Read a report of sensors."""
    return read_update(json.dumps({"host_id": host_id, "sensors": sensors}).encode())


def answer(update: RemoteUpdate) -> RemoteReply:
    """Return the answer where everything that makes sense was stored."""
    return update_reply(update, (reading.key for reading in update.readings))


def test_a_report() -> None:
    """Values in °C with what people call the sensor."""
    update = report(
        {
            "28-01": {"type": "DS18B20", "value": 21.5, "alias": "Hall", "extra": "x"},
            "28-02": {"type": "DS18B20", "value": None},
            "28-03": {"value": 0},
        }
    )
    assert update == RemoteUpdate(
        host_id="pi",
        readings=(
            RemoteReading(
                key="pi_28-01",
                sensor_id="28-01",
                temperature=21.5,
                kind="DS18B20",
                alias="Hall",
                extra="x",
            ),
            RemoteReading(
                key="pi_28-02", sensor_id="28-02", temperature=None, kind="DS18B20"
            ),
            RemoteReading(key="pi_28-03", sensor_id="28-03", temperature=0.0),
        ),
    )
    assert answer(update) == RemoteReply(
        201, {"status": "ok", "ids": ["pi_28-01", "pi_28-02", "pi_28-03"]}
    )


@pytest.mark.parametrize(
    "sensor",
    [
        {"value": "21.5"},
        {"value": True},
        {"value": 301},
        {"value": -1e9},
        {"value": [1]},
        {"type": "no value"},
        {},
        None,
        21.5,
    ],
)
def test_a_sensor_that_makes_no_sense(sensor: Any) -> None:
    """The others of the report count; alone the report has failed."""
    both = report({"good": {"value": 20}, "bad": sensor})
    assert [reading.sensor_id for reading in both.readings] == ["good"]
    reply = answer(both)
    assert reply.status == 400
    assert reply.body["status"] == "partial"
    assert reply.body["ids"] == ["pi_good"]
    assert reply.body["error"] == "1 of 2 sensors failed"

    assert answer(report({"bad": sensor})) == RemoteReply(400, {"status": "failed"})


def test_what_could_not_be_stored_has_failed() -> None:
    """As if it had made no sense."""
    update = report({"a": {"value": 1}, "b": {"value": 2}})
    assert update_reply(update, ["pi_b"]).body["ids"] == ["pi_b"]
    assert update_reply(update, []) == RemoteReply(400, {"status": "failed"})


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\u0000"])
def test_names_that_nobody_has(name: str) -> None:
    """A sensor without a name fails, a host without one fails all."""
    assert report({name: {"value": 1}}).failed == 1
    with pytest.raises(RemoteUpdateError, match="host_id"):
        report({"a": {"value": 1}}, name)


def test_two_sensors_of_one_name() -> None:
    """The first counts."""
    update = report({"a": {"value": 1}, " a": {"value": 2}})
    assert [reading.temperature for reading in update.readings] == [1]
    assert update.failed == 1


def test_texts_are_cut() -> None:
    """What people read is neither long nor breaks lines."""
    (reading,) = report(
        {"a": {"value": 1, "alias": "H\nall" + "x" * 999, "extra": "\n", "type": 5}}
    ).readings
    assert reading.alias is not None
    assert reading.alias.startswith("Hall")
    assert len(reading.alias) == 255
    assert reading.extra is None
    assert reading.kind is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"host_id": "a", "sensors": {"b": {"value": NaN}}}', 400),
        (b"[" * MAX_UPDATE, 400),
        (b"x" * (MAX_UPDATE + 1), 413),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"host_id": "a"}', 422),
        (b'{"host_id": "a", "sensors": {}}', 422),
        (b'{"host_id": "a", "sensors": []}', 422),
        (b'{"host_id": 5, "sensors": {"b": {"value": 1}}}', 422),
        (b'{"sensors": {"b": {"value": 1}}}', 422),
    ],
)
def test_reports_that_change_nothing(body: bytes, status: int) -> None:
    """Each with what was wrong."""
    with pytest.raises(RemoteUpdateError) as caught:
        read_update(body)
    assert caught.value.reply.status == status
    assert caught.value.reply.body["status"] == "error"
    assert caught.value.reply.body["error"] == str(caught.value)
    assert caught.value.__context__ is None


def test_too_many_sensors() -> None:
    """Memory is bounded."""
    with pytest.raises(RemoteUpdateError, match="at most 128"):
        report({str(n): {"value": 1} for n in range(MAX_SENSORS + 1)})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@given(host_id=JSON, sensors=st.one_of(JSON, st.dictionaries(st.text(), JSON)))
def test_whatever_is_reported(host_id: Any, sensors: Any) -> None:
    """It is answered, and everything is either stored or has failed."""
    with suppress(RemoteUpdateError):
        update = report(sensors, host_id)
        assert len(update.readings) + update.failed == len(sensors)
        assert answer(update).status in {201, 400}
