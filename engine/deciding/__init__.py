"""Deciding the outcome that follows from the engines' verdicts."""
