"""Who wants to be called back when something happens."""

from collections.abc import Callable

from homeassistant.core import CALLBACK_TYPE, callback


class Listeners:
    """Callbacks in the order in which they were added; one may be there twice."""

    def __init__(self) -> None:
        """Begin without a listener."""
        self._listeners: list[Callable[[], None]] = []

    @callback
    def add(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call back from now on; return how to stop."""
        self._listeners.append(listener)

        def stop() -> None:
            """Stop listening."""
            self._listeners.remove(listener)

        return stop

    @callback
    def tell(self) -> None:
        """Call everybody back."""
        for listener in tuple(self._listeners):
            listener()
