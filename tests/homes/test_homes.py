"""Labels, actions and answers of homes."""

from datetime import UTC, datetime
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.energy_homes.const import DOMAIN
from tests.builders import entity_revision, home_entry, meter_subentry, set_up, state_of

POWER = {"unit_of_measurement": "W", "device_class": "power"}


@pytest.fixture(autouse=True)
def at_ten(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at ten o'clock."""
    freezer.move_to(datetime(2026, 11, 20, 10, 0, tzinfo=UTC))


async def get_power(hass: HomeAssistant, **data: object) -> Any:
    """Ask for the power of homes."""
    return await hass.services.async_call(
        DOMAIN, "get_power", data, blocking=True, return_response=True
    )


async def test_get_power_of_the_only_home(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """The label may be left out where there is one home."""
    hass.states.async_set("sensor.clamp", "0", POWER)
    await set_up(
        hass, home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    )

    assert await get_power(hass) == {
        "Shed": {
            "power": 0.0,
            "generation_power": None,
            "last_reading": "2026-11-20T10:00:00+00:00",
            "meters": {
                "Electricity meter": {
                    "role": "grid",
                    "power": 0.0,
                    "last_reading": "2026-11-20T10:00:00+00:00",
                }
            },
        }
    }


async def test_get_power_by_label(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Labels are found without regard to case and outer blanks, also several."""
    await set_up(hass, home_entry("Shed"), home_entry("Barn"))

    assert set(await get_power(hass, home=" sHED ")) == {"Shed"}
    with pytest.raises(ServiceValidationError, match="say which one"):
        await get_power(hass, home=[])
    both = await get_power(hass, home=["Barn", "shed", "barn"])
    assert list(both) == ["Barn", "Shed"]
    assert both["Barn"]["power"] is None


async def test_unknown_label_names_the_choices(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """An unknown label is a domain error that says what there is."""
    await set_up(hass, home_entry("Shed"), home_entry("Barn"))

    with pytest.raises(
        ServiceValidationError, match=r"no home “Attic”\. Homes: Barn, Shed"
    ):
        await get_power(hass, home="Attic")
    with pytest.raises(
        ServiceValidationError, match=r"say which one\. Homes: Barn, Shed"
    ):
        await get_power(hass)


async def test_no_home(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Without a home the error says how to get one."""
    entry = home_entry("Shed")
    await set_up(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)

    with pytest.raises(ServiceValidationError, match="no home yet"):
        await get_power(hass)


WITHOUT_THERMOMETER: list[tuple[dict[str, Any], str]] = [
    ({"home": "Shed", "device": "valve"}, "No heating in “Shed”. .* heating: -"),
    ({"home": ["Barn", "Shed"]}, "No heating in “Barn”, “Shed”"),
    ({"home": ["Barn", "Attic"]}, "no home “Attic”"),
    ({"home": []}, "say which one"),
]


async def test_get_temperature_without_thermometer(
    recorder_mock: Recorder, hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    """Homes without heating have no temperature, and all of them are named."""
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("s", entity_revision("sensor.x"))),
        home_entry("Barn"),
    )

    for data, text in WITHOUT_THERMOMETER:
        with subtests.test(text), pytest.raises(ServiceValidationError, match=text):
            await hass.services.async_call(
                DOMAIN, "get_temperature", data, blocking=True, return_response=True
            )


async def test_same_label_after_a_rename(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Two homes with one label are refused with both named, until one is renamed."""
    shed, barn = home_entry("Shed", home_id="1"), home_entry("Barn", home_id="2")
    await set_up(hass, shed, barn)

    hass.config_entries.async_update_entry(barn, title="shed ")
    await hass.async_block_till_done()
    with pytest.raises(
        ServiceValidationError, match=r"“Shed” \(1\), “shed ” \(2\). Rename"
    ):
        await get_power(hass, home="Shed")
    issue = issue_registry.async_get_issue(DOMAIN, "duplicate_label_shed")
    assert issue is not None
    assert issue.translation_placeholders == {"homes": "“Shed” (1), “shed ” (2)"}
    assert barn.state is ConfigEntryState.LOADED

    hass.config_entries.async_update_entry(barn, title="Barn")
    await hass.async_block_till_done()
    assert set(await get_power(hass, home="Shed")) == {"Shed"}
    assert issue_registry.async_get_issue(DOMAIN, "duplicate_label_shed") is None


async def test_ignored_repair_stays_ignored(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A reload of one of two homes with the same label tells nobody again."""
    one, two = home_entry("Shed", home_id="1"), home_entry("shed", home_id="2")
    await set_up(hass, one, two)
    ir.async_ignore_issue(hass, DOMAIN, "duplicate_label_shed", True)

    await hass.config_entries.async_reload(one.entry_id)
    await hass.async_block_till_done()
    issue = issue_registry.async_get_issue(DOMAIN, "duplicate_label_shed")
    assert issue is not None
    assert issue.dismissed_version is not None

    await hass.config_entries.async_unload(one.entry_id)
    with pytest.raises(ServiceValidationError, match="More than one home"):
        await get_power(hass, home="Shed")
    await hass.config_entries.async_remove(one.entry_id)
    assert issue_registry.async_get_issue(DOMAIN, "duplicate_label_shed") is None


async def test_rename_keeps_entities(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    device_registry: dr.DeviceRegistry,
) -> None:
    """A new label renames the device and changes no entity id."""
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.x")))
    await set_up(hass, entry)
    before = {
        entity.entity_id: entity.unique_id
        for entity in entity_registry.entities.values()
    }

    hass.config_entries.async_update_entry(entry, title="Summer house")
    await hass.async_block_till_done()

    assert before == {
        entity.entity_id: entity.unique_id
        for entity in entity_registry.entities.values()
    }
    device = device_registry.async_get_device_by_identifier(
        (DOMAIN, "home-shed"), entry.entry_id
    )
    assert device is not None
    assert device.name == "Summer house"


async def test_meters_hang_on_their_home(
    recorder_mock: Recorder, hass: HomeAssistant, device_registry: dr.DeviceRegistry
) -> None:
    """The home is a service; its meters are devices below it."""
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.x")))
    await set_up(hass, entry)

    home, meter = (
        device_registry.async_get_device_by_identifier(
            (DOMAIN, identifier), entry.entry_id
        )
        for identifier in ("home-shed", "s")
    )
    assert home is not None
    assert home.entry_type is dr.DeviceEntryType.SERVICE
    assert meter is not None
    assert meter.via_device_id == home.id


async def test_removed_meter_takes_its_device_and_leaves_the_total(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    device_registry: dr.DeviceRegistry,
) -> None:
    """Removing a source stops it; the home goes on."""
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.x")))
    await set_up(hass, entry)
    subentry_id = next(iter(entry.subentries))

    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done()

    assert (
        device_registry.async_get_device_by_identifier((DOMAIN, "s"), entry.entry_id)
        is None
    )
    assert (await get_power(hass))["Shed"]["meters"] == {}
    assert state_of(hass, "sensor.shed_energy") == "0.0"


async def test_forget_home(recorder_mock: Recorder, hass: HomeAssistant) -> None:
    """Only a removed home's history can be deleted, and only by its name."""
    shed, barn = home_entry("Shed"), home_entry("Barn")
    await set_up(hass, shed, barn)

    async def forget(label: str) -> Any:
        """Forget a home."""
        return await hass.services.async_call(
            DOMAIN, "forget_home", {"home": label}, blocking=True, return_response=True
        )

    with pytest.raises(ServiceValidationError, match="“Shed” is still set up"):
        await forget("Shed")
    with pytest.raises(ServiceValidationError, match="No removed home “Attic”"):
        await forget("Attic")

    await hass.config_entries.async_remove(shed.entry_id)
    with pytest.raises(ServiceValidationError, match="Removed homes: Shed"):
        await forget("Attic")
    assert (await forget("SHED "))["home"] == "Shed"
    with pytest.raises(ServiceValidationError, match="No removed home “Shed”"):
        await forget("Shed")


async def test_admin_actions_are_for_admins(
    recorder_mock: Recorder, hass: HomeAssistant, hass_read_only_user: MockUser
) -> None:
    """Adding and forgetting homes is not for everybody."""
    await set_up(hass, home_entry("Shed"))
    context = Context(user_id=hass_read_only_user.id)
    for action, data in (
        ("forget_home", {"home": "Shed"}),
        ("import_homes", {"homes": []}),
    ):
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                DOMAIN, action, data, blocking=True, context=context
            )
