"""The ledger: which decided exchanges happened, and what the counters come to by them."""
