"""What authors run on their policies."""
