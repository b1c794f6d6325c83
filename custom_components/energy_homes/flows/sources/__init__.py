"""Forms of a home's sources: meters, sensors, and what their forms share."""
