"""Who calls, and how often."""
