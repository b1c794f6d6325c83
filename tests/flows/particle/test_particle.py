"""Particle accounts: adding, every refusal and what follows it, another token, boards."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlowResult,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.energy_homes.accounts.particle.hub import ParticleHub
from custom_components.energy_homes.accounts.particle.measures import (
    BoardConfig,
    Measure,
)
from custom_components.energy_homes.const import DOMAIN, SUBENTRY_PARTICLE_BOARD
from custom_components.energy_homes.sensing.model import Quantity
from tests.builders import particle_entry, set_up
from tests.flows.helpers import (
    next_form,
    placeholders,
    read_texts,
    start,
    submit,
    suggested,
)
from tests.particle_control import (
    MILL_BOARD,
    PARTICLE_EXPIRED_TOKEN,
    PARTICLE_NO_EVENTS_TOKEN,
    PARTICLE_ODD_TOKEN,
    PARTICLE_PRODUCT,
    PARTICLE_PRODUCT_TOKEN,
    PARTICLE_TOKEN,
    ParticleControl,
)
from tests.simulator_client import SimulatorClient
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
LISTENING = 13 * SECOND
SECRET = "not-a-token-of-anybody"
PLAIN = {"noise_floor": 0, "scale": 1, "offset": 0, "power_factor": 1}


async def heard(
    hass: HomeAssistant, virtual: VirtualTime, progress: ConfigFlowResult
) -> ConfigFlowResult:
    """Let the boards be listened to; return what follows, as the frontend asks for it."""
    assert progress["type"] is FlowResultType.SHOW_PROGRESS
    assert progress["progress_action"] == "particle_listen"
    await virtual.run(LISTENING)
    result = await hass.config_entries.flow.async_configure(progress["flow_id"])
    read_texts("config", result)
    await virtual.settle()
    return result


def accounts(hass: HomeAssistant) -> list[ConfigEntry]:
    """Return the Particle accounts."""
    return [
        entry
        for entry in hass.config_entries.async_entries(DOMAIN)
        if entry.data.get("kind") == "particle"
    ]


def waiting(hass: HomeAssistant) -> list[ConfigFlowResult]:
    """Return the flows that wait for somebody."""
    return list(hass.config_entries.flow.async_progress_by_handler(DOMAIN))


async def test_account_is_checked_and_leads_into_its_board(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """A right token makes an account after a short time, and its board asks for a home."""
    form = await start(hass, "particle")
    result = await submit(hass, form, token=f" {PARTICLE_TOKEN} ")
    result = await heard(hass, virtual, result)

    (entry,) = accounts(hass)
    board_id = particle.device_id()
    assert entry.unique_id == f"particle_board_{board_id}"
    assert entry.title == f"Particle {board_id[-4:]}"
    assert entry.data == {"kind": "particle", "token": PARTICLE_TOKEN}
    assert entry.state is ConfigEntryState.LOADED
    assign = await next_form(hass, result)
    assert assign["step_id"] == "assign"
    assert placeholders(assign)["meter"] == MILL_BOARD
    assert placeholders(assign)["role"] == "Part of the home's consumption"
    await virtual.run(60 * SECOND)
    assert len(waiting(hass)) == 1
    assert len(particle.streams()) == 1


async def test_a_product_of_another_server(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """An account can be about one product, at an address of its own."""
    form = await start(hass, "particle")
    result = await submit(
        hass,
        form,
        token=PARTICLE_PRODUCT_TOKEN,
        product=f" {PARTICLE_PRODUCT} ",
        url=f"{cloud.url}/",
    )
    await heard(hass, virtual, result)
    (entry,) = accounts(hass)
    assert entry.unique_id == f"particle_product_{PARTICLE_PRODUCT}"
    assert entry.data["product"] == str(PARTICLE_PRODUCT)
    assert entry.data["url"] == cloud.url
    assert len(waiting(hass)) == 2


@pytest.mark.parametrize(
    ("fault", "field", "error"),
    [
        ("http_401", "token", "invalid_token"),
        ("http_429", "base", "quota"),
        ("http_503", "base", "cannot_connect"),
        ("garbage", "base", "nonsense"),
        ("http_404", "base", "nonsense"),
    ],
)
async def test_refused_account_goes_on(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    virtual: VirtualTime,
    fault: str,
    field: str,
    error: str,
) -> None:
    """Whatever is wrong is said, nothing is saved, and the flow goes on."""
    form = await start(hass, "particle")
    cloud.fault(fault, token=PARTICLE_TOKEN)
    form = await submit(hass, form, token=PARTICLE_TOKEN, url=cloud.url)
    assert form["errors"] == {field: error}
    assert suggested(form) == {"url": cloud.url}
    assert accounts(hass) == []

    cloud.clear_faults()
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    await heard(hass, virtual, result)
    assert len(accounts(hass)) == 1


REFUSED_INPUT: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"token": "  "}, {"token": "token_needed"}),
    ({"token": "no token/"}, {"token": "no_token"}),
    ({"product": "a b"}, {"product": "no_product"}),
    ({"url": "ftp://127.0.0.1"}, {"url": "invalid_url"}),
    ({"token": SECRET}, {"token": "invalid_token"}),
    ({"token": PARTICLE_EXPIRED_TOKEN}, {"token": "invalid_token"}),
    ({"product": "1"}, {"product": "unknown_product"}),
]


async def test_refused_input(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    virtual: VirtualTime,
    caplog: pytest.LogCaptureFixture,
    subtests: pytest.Subtests,
) -> None:
    """What cannot be an account is refused, and no token is in the log."""
    form = await start(hass, "particle")
    for fields, errors in REFUSED_INPUT:
        with subtests.test(str(fields)):
            form = await submit(hass, form, **{"token": PARTICLE_TOKEN, **fields})
            assert form["errors"] == errors
    assert PARTICLE_TOKEN not in caplog.text
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    await heard(hass, virtual, result)
    assert len(accounts(hass)) == 1


async def test_an_account_without_boards(
    hass: HomeAssistant, cloud: SimulatorClient, particle: ParticleControl
) -> None:
    """It is told, and nothing is saved."""
    particle.token("n0b0ards", owner="nobody@example.com")
    form = await start(hass, "particle")
    form = await submit(hass, form, token="n0b0ards")
    assert form["errors"] == {"base": "no_board"}


async def test_a_token_that_may_not_listen(
    hass: HomeAssistant, cloud: SimulatorClient, virtual: VirtualTime
) -> None:
    """It is found out before anything is saved."""
    form = await start(hass, "particle")
    result = await submit(hass, form, token=PARTICLE_NO_EVENTS_TOKEN)
    form = await heard(hass, virtual, result)
    assert form["errors"] == {"token": "no_events"}
    assert accounts(hass) == []
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    await heard(hass, virtual, result)
    assert len(accounts(hass)) == 1


async def test_a_cloud_that_does_not_stream(
    hass: HomeAssistant, cloud: SimulatorClient, virtual: VirtualTime
) -> None:
    """An outage of the stream alone is said, and the flow goes on."""
    form = await start(hass, "particle")
    cloud.fault("http_503", "events")
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    form = await heard(hass, virtual, result)
    assert form["errors"] == {"base": "cannot_connect"}


async def test_boards_that_say_nothing_hold_nothing_up(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """A stream without events, or one that breaks, is listened to for a while at most."""
    form = await start(hass, "particle")
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    particle.silence()
    await heard(hass, virtual, result)
    assert len(accounts(hass)) == 1
    form = await start(hass, "particle")
    particle.unsilence()
    result = await submit(hass, form, token=PARTICLE_ODD_TOKEN)
    particle.reset()
    await virtual.settle()
    await heard(hass, virtual, result)
    assert len(accounts(hass)) == 2


async def test_a_flow_that_is_closed_listens_no_more(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Closing the flow closes its stream."""
    form = await start(hass, "particle")
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    await virtual.settle()
    assert len(particle.streams()) == 1
    hass.config_entries.flow.async_abort(result["flow_id"])
    await virtual.run(30 * SECOND)
    assert particle.streams() == []


async def test_an_account_is_added_once(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """The same token, another of the same account, and one of the same boards are known."""
    form = await start(hass, "particle")
    await heard(hass, virtual, await submit(hass, form, token=PARTICLE_TOKEN))
    form = await start(hass, "particle")
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    assert result["reason"] == "already_configured"
    owner = particle.overview()["tokens"][PARTICLE_TOKEN]["owner"]
    particle.token("an0ther", owner=owner)
    form = await start(hass, "particle")
    result = await submit(hass, form, token="an0ther")
    assert result["reason"] == "already_configured"
    particle.add("a-first-board", owner)
    form = await start(hass, "particle")
    result = await submit(hass, form, token="an0ther")
    assert result["reason"] == "already_configured"


async def running(
    hass: HomeAssistant,
    particle: ParticleControl,
    virtual: VirtualTime,
    token: str = PARTICLE_TOKEN,
    board: str = MILL_BOARD,
) -> MockConfigEntry:
    """Return an account that is set up and has heard its boards."""
    entry = particle_entry(token, f"particle_board_{particle.device_id(board)}")
    await set_up(hass, entry)
    await virtual.run(10 * SECOND)
    return entry


async def test_reauthentication_takes_another_token(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Of the same account; the stream goes on with it."""
    entry = await running(hass, particle, virtual)
    owner = particle.overview()["tokens"][PARTICLE_TOKEN]["owner"]
    particle.token("an0ther", owner=owner)
    particle.expire()
    await virtual.run(60 * SECOND)
    (flow,) = [f for f in waiting(hass) if f["context"]["source"] == "reauth"]
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    form = await submit(hass, form, token=PARTICLE_EXPIRED_TOKEN)
    assert form["errors"] == {"token": "invalid_token"}
    form = await submit(hass, form, token=PARTICLE_ODD_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    result = await submit(hass, form, token="an0ther")
    assert result["reason"] == "reauth_successful"
    await virtual.run(10 * SECOND)
    assert entry.data["token"] == "an0ther"
    assert entry.state is ConfigEntryState.LOADED
    (stream,) = particle.streams()
    assert stream["token"] == "an0ther"


async def test_reauthentication_of_an_account_that_never_loaded(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """It is known by the board that it is called after."""
    account = f"particle_board_{particle.device_id()}"
    entry = particle_entry(PARTICLE_EXPIRED_TOKEN, account)
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    (flow,) = waiting(hass)
    form = await hass.config_entries.flow.async_configure(flow["flow_id"])
    form = await submit(hass, form, token=PARTICLE_ODD_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    assert result["reason"] == "reauth_successful"
    assert entry.data["token"] == PARTICLE_TOKEN
    await virtual.run(10 * SECOND)
    assert entry.state is ConfigEntryState.LOADED


async def test_reconfiguring_changes_server_and_token(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Each can be left as it is; another account's token is refused."""
    entry = await running(hass, particle, virtual)
    form = await entry.start_reconfigure_flow(hass)
    form = await submit(hass, form, token=PARTICLE_ODD_TOKEN)
    assert form["errors"] == {"token": "wrong_account"}
    form = await submit(hass, form, url="nowhere")
    assert form["errors"] == {"url": "invalid_url"}
    assert suggested(form) == {"url": "nowhere"}
    result = await submit(hass, form, url=cloud.url)
    assert result["reason"] == "reconfigure_successful"
    await virtual.run(10 * SECOND)
    assert entry.data == {"kind": "particle", "token": PARTICLE_TOKEN, "url": cloud.url}
    assert len(particle.streams()) == 1
    form = await entry.start_reconfigure_flow(hass)
    assert suggested(form) == {"url": cloud.url}
    result = await submit(hass, form, token=PARTICLE_TOKEN)
    assert result["reason"] == "reconfigure_successful"
    await virtual.settle()
    assert "url" not in entry.data


class Boards:
    """Leads through the flow that says what a board measures."""

    def __init__(
        self, hass: HomeAssistant, virtual: VirtualTime, entry: ConfigEntry
    ) -> None:
        """Take the account."""
        self._hass = hass
        self._virtual = virtual
        self._entry = entry

    async def start(self) -> SubentryFlowResult:
        """Begin to say what a board measures."""
        return self._read(
            await self._hass.config_entries.subentries.async_init(
                (self._entry.entry_id, SUBENTRY_PARTICLE_BOARD),
                context={"source": SOURCE_USER},
            )
        )

    async def change(self, item: str) -> SubentryFlowResult:
        """Begin to change what the only board measures."""
        (subentry_id,) = self._entry.subentries
        menu = self._read(
            await self._hass.config_entries.subentries.async_init(
                (self._entry.entry_id, SUBENTRY_PARTICLE_BOARD),
                context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id},
            )
        )
        assert menu["type"] is FlowResultType.MENU
        return await self.submit(menu, next_step_id=item)

    async def submit(
        self, form: SubentryFlowResult, **fields: Any
    ) -> SubentryFlowResult:
        """Fill in a form; what has to be learned is."""
        subentries = self._hass.config_entries.subentries
        result = await subentries.async_configure(form["flow_id"], fields)
        if result["type"] is FlowResultType.SHOW_PROGRESS:
            assert result["progress_action"] == "learn"
            await self._virtual.run(31 * SECOND)
            await self._virtual.settle()
            result = await subentries.async_configure(form["flow_id"])
        return self._read(result)

    def _read(self, result: SubentryFlowResult) -> SubentryFlowResult:
        """Read every text of a result."""
        read_texts(SUBENTRY_PARTICLE_BOARD, result)
        return result


async def test_a_board_is_told_what_it_measures(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """What it sends is heard first; the account follows without a reload."""
    entry = await running(hass, particle, virtual, PARTICLE_ODD_TOKEN, "older")
    hub: ParticleHub = entry.runtime_data
    boards = Boards(hass, virtual, entry)
    board_id = particle.device_id("older")
    form = await boards.start()
    form = await boards.submit(form, board_id=board_id)
    assert form["step_id"] == "sent"
    assert "RMS Current" in placeholders(form)["heard"]
    assert suggested(form) == {"sent": ["Apparent Power", "RMS Current", "RMS Voltage"]}
    form = await boards.submit(form, sent=["Apparent Power"])
    assert suggested(form) == {"quantity": "power", **PLAIN}
    for fields, errors in (
        ({"scale": 0}, {"scale": "scale_zero"}),
        ({"power_factor": 1.5}, {"power_factor": "power_factor"}),
        ({"voltage": 230}, {"assumed_voltage": "voltages"}),
        ({"assumed_voltage": 230}, {"voltage": "voltages"}),
        ({"variable": "a b"}, {"variable": "no_variable"}),
        ({"quantity": "pulses"}, {"pulses_per_kwh": "pulses_needed"}),
    ):
        form = await boards.submit(form, **{"quantity": "power", **PLAIN, **fields})
        assert form["errors"] == errors
    result = await boards.submit(
        form,
        quantity="power",
        name=" Heater ",
        noise_floor=5.5,
        scale=1,
        offset=0,
        power_factor=0.8,
        assumed_voltage=120,
        voltage=230,
        variable="power",
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = entry.subentries.values()
    assert subentry.title == "older"
    assert BoardConfig.from_data(subentry.data) == BoardConfig(
        board_id=board_id,
        measures=(
            Measure(
                quantity=Quantity.POWER,
                event="Apparent Power",
                variable="power",
                name="Heater",
                noise_floor=5.5,
                power_factor=0.8,
                assumed_voltage=120,
                voltage=230,
            ),
        ),
    )
    await virtual.run(10 * SECOND)
    assert entry.runtime_data is hub
    assert hub.meters[board_id].power == pytest.approx(150, abs=0.5)


async def test_what_a_board_measures_is_changed(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """One number can be changed, or all be chosen again; names can be typed."""
    entry = await running(hass, particle, virtual)
    boards = Boards(hass, virtual, entry)
    form = await boards.submit(await boards.start(), board_id=particle.device_id())
    for sent, error in (
        (["variable:a/b"], "no_variable"),
        (["x" * 65], "no_event"),
        (["power", "variable:power"], "sent_twice"),
        ([], "nothing_sent"),
        ([f"name{number}" for number in range(33)], "too_many_sent"),
    ):
        form = await boards.submit(form, sent=sent)
        assert form["errors"] == {"sent": error}
    form = await boards.submit(form, sent=["power", "pulses", "variable:SoC"])
    form = await boards.submit(form, quantity="power", **PLAIN)
    assert placeholders(form) == {"board": MILL_BOARD, "name": "pulses", "value": "-"}
    form = await boards.submit(form, quantity="pulses", pulses_per_kwh=800, **PLAIN)
    assert form["data_schema"] is not None
    assert "variable" not in {str(key) for key in form["data_schema"].schema}
    result = await boards.submit(form, quantity="percentage", **PLAIN)
    assert result["type"] is FlowResultType.CREATE_ENTRY

    form = await boards.change("edit")
    form = await boards.submit(form, measure="pulses")
    assert suggested(form) == {"quantity": "pulses", "pulses_per_kwh": 800, **PLAIN}
    form = await boards.submit(form, quantity="pulses", **PLAIN)
    assert form["errors"] == {"pulses_per_kwh": "pulses_needed"}
    result = await boards.submit(form, quantity="pulses", pulses_per_kwh=1000, **PLAIN)
    assert result["reason"] == "reconfigure_successful"
    (subentry,) = entry.subentries.values()
    measures = BoardConfig.from_data(subentry.data).measures
    assert [(m.key, m.pulses_per_kwh) for m in measures] == [
        ("power", None),
        ("pulses", 1000),
        ("SoC", None),
    ]

    form = await boards.change("learn")
    assert suggested(form) == {"sent": ["power", "pulses", "variable:SoC"]}
    form = await boards.submit(form, sent=["variable:SoC"])
    assert suggested(form) == {"quantity": "percentage", **PLAIN}
    result = await boards.submit(form, quantity="percentage", **PLAIN)
    assert result["reason"] == "reconfigure_successful"
    (subentry,) = entry.subentries.values()
    (measure,) = BoardConfig.from_data(subentry.data).measures
    assert measure == Measure(variable="SoC", quantity=Quantity.PERCENTAGE)


async def test_a_board_is_set_up_once(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """Without another board, or without the account, there is nothing to say."""
    entry = await running(hass, particle, virtual)
    boards = Boards(hass, virtual, entry)
    form = await boards.submit(await boards.start(), board_id=particle.device_id())
    form = await boards.submit(form, sent=["power"])
    await boards.submit(form, quantity="power", **PLAIN)
    result = await boards.start()
    assert result["reason"] == "no_free_board"
    form = await boards.change("edit")
    assert form["step_id"] == "edit"
    await hass.config_entries.async_unload(entry.entry_id)
    await virtual.settle()
    assert (await boards.start())["reason"] == "account_not_loaded"
    assert (await boards.change("learn"))["reason"] == "account_not_loaded"
    form = await boards.submit(form, measure="power")
    assert placeholders(form)["board"] == particle.device_id()


async def test_a_board_that_is_gone_is_not_learned(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """What nobody knows any more cannot be listened to."""
    gone = BoardConfig(board_id="gone", measures=())
    account = f"particle_board_{particle.device_id()}"
    entry = particle_entry(PARTICLE_TOKEN, account, [gone])
    await set_up(hass, entry)
    await virtual.run(10 * SECOND)
    form = await Boards(hass, virtual, entry).change("learn")
    assert form["reason"] == "account_not_loaded"


async def test_an_account_that_goes_while_it_is_learned(
    hass: HomeAssistant,
    cloud: SimulatorClient,
    particle: ParticleControl,
    virtual: VirtualTime,
) -> None:
    """The flow ends where nobody knows the board any more, and may be closed."""
    entry = await running(hass, particle, virtual)
    subentries = hass.config_entries.subentries
    boards = Boards(hass, virtual, entry)
    form = await boards.start()
    flow = await subentries.async_configure(
        form["flow_id"], {"board_id": particle.device_id()}
    )
    await hass.config_entries.async_unload(entry.entry_id)
    await virtual.run(31 * SECOND)
    result = await subentries.async_configure(flow["flow_id"])
    assert result["reason"] == "account_not_loaded"

    await hass.config_entries.async_setup(entry.entry_id)
    await virtual.run(10 * SECOND)
    form = await boards.start()
    flow = await subentries.async_configure(
        form["flow_id"], {"board_id": particle.device_id()}
    )
    subentries.async_abort(flow["flow_id"])
    await virtual.settle()
