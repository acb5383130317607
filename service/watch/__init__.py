"""The standing watch: running commitments are decided again, and each change of an outcome is reported once."""
