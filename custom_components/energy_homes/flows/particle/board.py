"""Flow of a board of a Particle account: what it sends, and what that measures."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, override

from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowResult
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)
import voluptuous as vol

from ...accounts.particle.board import Board
from ...accounts.particle.hub import ParticleHub
from ...accounts.particle.measures import BoardConfig, Measure
from ...const import CONF_BOARD, SUBENTRY_PARTICLE_BOARD
from ...homes.inventory import NONE, hubs
from ..refused import Refused
from ..sources.part import RefusingSubentryFlow
from .measure import (
    CONF_SENT,
    chosen_measures,
    measure_fields,
    read_measure,
    sent_choice,
    sent_value,
    shown_measure,
)

LEARN_FOR: Final = timedelta(seconds=30)
"""So long a board is listened to before people are asked what it measures."""

CONF_MEASURE: Final = "measure"


class ParticleBoardSubentryFlow(RefusingSubentryFlow):
    """Says what a board of an account measures; what it sends is heard first."""

    _board_id: str
    _learning: asyncio.Task[None] | None = None
    _asked: list[Measure]
    _measures: list[Measure]

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for a board, then listen to it."""
        if (hub := self._hub) is None:
            return self._not_loaded()
        taken = {
            subentry.unique_id
            for subentry in self._get_entry().get_subentries_of_type(
                SUBENTRY_PARTICLE_BOARD
            )
        }
        boards = {
            board_id: board
            for board_id, board in hub.known.boards.items()
            if board_id not in taken
        }
        if user_input is not None and user_input[CONF_BOARD] in boards:
            self._board_id = user_input[CONF_BOARD]
            return await self.async_step_learn()
        if not boards:
            return self.async_abort(
                reason="no_free_board",
                description_placeholders={"account": self._get_entry().title},
            )
        options = [
            SelectOptionDict(value=board_id, label=f"{board.name} ({board_id[-4:]})")
            for board_id, board in boards.items()
        ]
        return self.async_show_form(
            step_id="user",
            data_schema=vol.Schema(
                {
                    vol.Required(CONF_BOARD): SelectSelector(
                        SelectSelectorConfig(options=options)
                    )
                }
            ),
            description_placeholders={"account": self._get_entry().title},
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to change."""
        subentry = self._get_reconfigure_subentry()
        self._board_id = BoardConfig.from_data(subentry.data).board_id
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["learn", "edit"],
            description_placeholders={"board": subentry.title},
        )

    async def async_step_learn(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Listen to the board for a while, and ask it which variables it has."""
        if self._learning is None:
            if (hub := self._hub) is None:
                return self._not_loaded()
            self._learning = self.hass.async_create_background_task(
                hub.variables.async_learn(self._board_id, LEARN_FOR),
                "learning of a board",
            )
        if not self._learning.done():
            return self.async_show_progress(
                step_id="learn",
                progress_action="learn",
                progress_task=self._learning,
                description_placeholders={"board": self._board_name},
            )
        return self.async_show_progress_done(next_step_id="sent")

    async def async_step_sent(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which of what the board sends is measured."""
        if (board := self._board) is None:
            return self._not_loaded()
        known = self._configured
        refused: Refused | None = None
        if user_input is not None:
            try:
                self._asked = list(chosen_measures(user_input[CONF_SENT], known))
            except Refused as err:
                refused = err
            else:
                self._measures = []
                return await self.async_step_measure()
        chosen = [sent_value(measure) for measure in known or board.measures]
        return self._form(
            "sent",
            self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(CONF_SENT): sent_choice(board, chosen)}),
                user_input or {CONF_SENT: chosen},
            ),
            refused,
            heard=", ".join(
                f"{name} ({NONE if said.data is None else said.data})"
                for name, said in sorted(board.said.items())
            )
            or NONE,
        )

    async def async_step_measure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask of each what its number is."""
        refused: Refused | None = None
        if user_input is not None:
            try:
                self._measures.append(read_measure(self._asked[0], user_input))
            except Refused as err:
                refused = err
            else:
                del self._asked[0]
                user_input = None
        if not self._asked:
            return self._finish(tuple(self._measures))
        return self._measure_form("measure", self._asked[0], user_input, refused)

    async def async_step_edit(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask which of the measures to change."""
        measures = {measure.key: measure for measure in self._configured}
        if user_input is not None and user_input[CONF_MEASURE] in measures:
            self._asked = [measures[user_input[CONF_MEASURE]]]
            return await self.async_step_change()
        return self._form(
            "edit",
            vol.Schema(
                {
                    vol.Required(CONF_MEASURE): SelectSelector(
                        SelectSelectorConfig(options=list(measures))
                    )
                }
            ),
            None,
        )

    async def async_step_change(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change what one number is."""
        (measure,) = self._asked
        refused: Refused | None = None
        if user_input is not None:
            try:
                changed = read_measure(measure, user_input)
            except Refused as err:
                refused = err
            else:
                return self._finish(
                    tuple(
                        changed if known.key == measure.key else known
                        for known in self._configured
                    )
                )
        return self._measure_form("change", measure, user_input, refused)

    @callback
    @override
    def async_remove(self) -> None:
        """Listen no more when somebody closes the flow."""
        if self._learning is not None:
            self._learning.cancel()

    @property
    def _hub(self) -> ParticleHub | None:
        """Return the account's hub, None while the account is not loaded."""
        hub = hubs(self.hass).get(self._get_entry().unique_id or "")
        return hub if isinstance(hub, ParticleHub) else None

    @property
    def _board(self) -> Board | None:
        """Return the board as the account knows it."""
        return None if self._hub is None else self._hub.known.boards.get(self._board_id)

    @property
    def _board_name(self) -> str:
        """Return what the board is called."""
        return self._board_id if self._board is None else self._board.name

    @property
    def _configured(self) -> tuple[Measure, ...]:
        """Return what the board measures already, where somebody has said so."""
        if self.source != SOURCE_RECONFIGURE:
            return ()
        return BoardConfig.from_data(self._get_reconfigure_subentry().data).measures

    @callback
    def _finish(self, measures: tuple[Measure, ...]) -> SubentryFlowResult:
        """Store what the board measures; the account follows without a reload."""
        data = BoardConfig(board_id=self._board_id, measures=measures).as_data()
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data
            )
        return self.async_create_entry(
            title=self._board_name, data=data, unique_id=self._board_id
        )

    @callback
    def _not_loaded(self) -> SubentryFlowResult:
        """End the flow: nobody listens to the board now."""
        return self.async_abort(
            reason="account_not_loaded",
            description_placeholders={"account": self._get_entry().title},
        )

    @callback
    def _measure_form(
        self,
        step_id: str,
        measure: Measure,
        user_input: dict[str, Any] | None,
        refused: Refused | None,
    ) -> SubentryFlowResult:
        """Show what a number is."""
        said = None if self._board is None else self._board.said.get(measure.key)
        return self._form(
            step_id,
            self.add_suggested_values_to_schema(
                vol.Schema(measure_fields(measure)),
                user_input or shown_measure(measure),
            ),
            refused,
            name=measure.key,
            value=NONE if said is None or said.data is None else said.data,
        )

    @property
    @override
    def _about(self) -> Mapping[str, str]:
        """Return what every form names: the board."""
        return {"board": self._board_name}
