"""A recorder that costs tests less and answers the same.

Home Assistant's own commits each event where it has no interval between commits, as the test
plugin sets it up. An interval is no way out: the tests' database is in memory and has one
connection behind one lock (`MutexPool`), which the recorder keeps from an event to its
commit, and each reader waits for it in real time until it fails.
"""

from typing import Any, override

from homeassistant.components.recorder.core import COMMIT_TASK, Recorder
from homeassistant.components.recorder.tasks import RecorderTask
from homeassistant.core import Event

NEVER_S = 10**9


class QuietRecorder(Recorder):
    """Commits before each task and whenever it has worked off its queue.

    So whoever waits for a task or for an empty queue finds all that came before.
    """

    def __init__(self, **config: Any) -> None:
        """Take what Home Assistant sets up, but for the interval between commits."""
        super().__init__(**config | {"commit_interval": NEVER_S})

    @override
    def _process_one_task_or_event_or_recover(self, task: RecorderTask | Event) -> None:
        """Work on what is next, and let go of the database where nothing follows."""
        if isinstance(task, RecorderTask):
            self._commit()
        super()._process_one_task_or_event_or_recover(task)
        if self._queue.empty():
            self._commit()

    def _commit(self) -> None:
        """Commit what there is, with Home Assistant's own care of failures."""
        if self._event_session_has_pending_writes:
            super()._process_one_task_or_event_or_recover(COMMIT_TASK)
