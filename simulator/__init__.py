"""The vendor clouds and the homes behind them, as one HTTP server on loopback."""
