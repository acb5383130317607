"""The story: how a data asset becomes a factor of production, told by real calls in a database and at a clock of its own."""
