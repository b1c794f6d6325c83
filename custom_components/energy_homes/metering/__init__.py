"""Pure core of metering: readings become slots. No Home Assistant, no I/O."""
