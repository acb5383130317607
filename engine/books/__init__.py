"""Books of rights: what was granted to whom, and what follows from it for an exchange."""
