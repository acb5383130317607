"""The decision log: what a record is, which bytes it becomes, and how it is kept."""
