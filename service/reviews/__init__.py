"""What persons approve or refuse, and what waits for them."""
