"""What can go wrong in the demo, in words for the person who started it."""


class DemoError(Exception):
    """The demo cannot go on; the message is one line that says why."""
