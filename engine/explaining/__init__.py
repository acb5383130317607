"""Explaining an outcome in words."""
