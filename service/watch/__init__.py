"""The standing watch: what was committed and still runs is decided again, and what moves is told once."""
