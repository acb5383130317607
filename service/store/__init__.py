"""The database: access to it, its tables, their migrations, and the one writer of a process."""
