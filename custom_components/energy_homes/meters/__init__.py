"""A meter from reading to settled slot, whatever hardware is current."""
