"""Sign-offs: what persons approve or refuse, and the reviews that wait for them."""
