"""Tools for agents that are language models (the Model Context Protocol): a client of a running service."""
