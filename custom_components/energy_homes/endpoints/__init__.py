"""Where boards call Home Assistant, and where their readings are pushed on to."""
