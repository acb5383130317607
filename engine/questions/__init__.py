"""Which facts to find out, what to change, and until when an outcome holds."""
