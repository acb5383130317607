"""The callers, and how often they call."""
