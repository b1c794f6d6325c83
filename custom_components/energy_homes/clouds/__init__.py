"""Typed async clients of the vendor clouds over an injected aiohttp session. No Home Assistant."""
