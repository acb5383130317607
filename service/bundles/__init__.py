"""Bundles as files: one archive of all sources, its signatures, and where the service takes its policies from."""
