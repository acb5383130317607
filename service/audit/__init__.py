"""The audit of a database: its rows are made again from the leaves of its log, compared, and put right."""
