"""Documents that a law asks a person to write, drafted from a recorded decision."""
