"""Documents behind the hashes that exchanges state: their bytes, who confirmed them, and which of them are signed."""
