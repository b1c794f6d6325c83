"""Weather, and rooms that obey physics."""
