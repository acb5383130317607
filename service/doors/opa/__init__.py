"""Policy questions in the shape of the Open Policy Agent: an input in the caller's own form, mapped to an exchange."""
