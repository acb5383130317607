"""The endpoints, one module per group. Each module's `add` puts its group on the application."""
