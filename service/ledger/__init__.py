"""The ledger: the decided exchanges that happened, and the counters that they move."""
