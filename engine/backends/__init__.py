"""Three engines with one meaning: the reference, bitset for speed, and durable-rules."""
