"""The endpoints, one module a group; `add` puts a group on the application."""
