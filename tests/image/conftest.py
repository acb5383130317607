"""These tests need the image that `make image` builds, and run only there."""

import os

collect_ignore_glob = [] if os.environ.get("IMAGE") else ["test_*.py"]
