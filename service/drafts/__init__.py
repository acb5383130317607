"""Exchanges that are being asked about: one question at a time, until a person has them decided."""
