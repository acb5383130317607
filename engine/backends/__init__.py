"""Engines with one meaning: the reference, bitset for speed, durable-rules, and lanes for many at once."""
