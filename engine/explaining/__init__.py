"""From an outcome to words."""
