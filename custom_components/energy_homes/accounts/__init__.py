"""One hub per vendor account: credentials, budget, inventory, poll or stream."""
