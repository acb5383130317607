"""
How the members of an answer, an explanation and a verdict are encoded: the canonical form of RFC 8785 for what they hold.
"""

from __future__ import annotations

import json

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
