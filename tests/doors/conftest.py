"""These tests need the programs that `make doors` installs, and run only there."""

import os

collect_ignore_glob = [] if os.environ.get("DOORS") else ["test_*.py"]
