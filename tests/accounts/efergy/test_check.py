"""Looking at an account before it is saved."""

from hashlib import sha256

from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.accounts.efergy.check import async_check_account
from custom_components.energy_homes.accounts.efergy.inventory import INSTANT_METER
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.metering.model import MeterRole
from tests.simulator_client import ELM_TOKEN, SimulatorClient
from tests.virtual import VirtualTime

ELM_HID = "e1a5713ee7000000000000000000e1a5"


async def test_an_account_that_answers(
    hass: HomeAssistant, simulator: SimulatorClient, virtual: VirtualTime
) -> None:
    """The account is its household; its meters come with power, role and ghosts flagged."""
    check = await async_check_account(hass, ELM_TOKEN, simulator.url)
    assert check.unique_id == f"efergy_{ELM_HID}"
    assert check.title == "Efergy e1a5"
    meters = {meter.hardware_id: meter for meter in check.meters}
    assert {sid: meter.role for sid, meter in meters.items() if not meter.ghost} == {
        "710001": MeterRole.GRID,
        "710002": MeterRole.GENERATION,
    }
    assert meters["710001"].power == simulator.published("710001")[-1][1]
    assert meters["0"].ghost


@pytest.mark.parametrize("fault", ["method_failed", "html", "wrong_type"])
async def test_without_status(
    hass: HomeAssistant, simulator: SimulatorClient, virtual: VirtualTime, fault: str
) -> None:
    """Where the household is not told the account is known by its token's fingerprint."""
    simulator.fault(fault, command="getStatus")
    check = await async_check_account(hass, ELM_TOKEN, simulator.url)
    digest = sha256(ELM_TOKEN.encode()).hexdigest()
    assert check.unique_id == f"efergy_{digest[:16]}"
    assert ELM_TOKEN not in repr(check)
    assert len(check.meters) == 3


async def test_only_the_households_power(
    hass: HomeAssistant, simulator: SimulatorClient, virtual: VirtualTime
) -> None:
    """Where only getInstant works the account has one meter without a number."""
    simulator.fault("html", command="getStatus")
    simulator.fault("html", command="getCurrentValuesSummary")
    check = await async_check_account(hass, ELM_TOKEN, simulator.url)
    (meter,) = check.meters
    assert meter.hardware_id == INSTANT_METER
    assert not meter.ghost


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("bad_token", CloudAuthError),
        ("daily_limit", CloudQuotaError),
        ("bad_request", CloudRequestError),
        ("html", CloudOutageError),
        ("http_503", CloudOutageError),
    ],
)
async def test_refusals(
    hass: HomeAssistant,
    simulator: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
    kind: type[CloudError],
) -> None:
    """An account that does not answer says why."""
    simulator.fault(fault)
    with pytest.raises(CloudError) as caught:
        await async_check_account(hass, ELM_TOKEN, simulator.url)
    assert type(caught.value) is kind
    assert ELM_TOKEN not in str(caught.value)
