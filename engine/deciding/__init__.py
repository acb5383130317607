"""From a verdict to an outcome."""
