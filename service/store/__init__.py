"""The database: its door, its tables, their history, and the one writer of a process."""
