"""The recorder's hours made equal to the ledger's."""
