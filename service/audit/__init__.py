"""The audit of a database: its rows are recomputed from the leaves of its log, compared with those stored, and repaired."""
