"""Contracts in ODRL 2.2, as data spaces write them: read as facts, decided on, and written back."""
