"""Pure core of heating: rooms, setpoints and schedules. No Home Assistant, no I/O."""
