"""
The memory of a process that serves: what stays is left out of searches for cycles, and what loading left free goes back.
"""

import ctypes
import gc

# New objects that may be there before Python searches them for cycles. A decision makes some thousands, and nearly all of them go at its
# end without a search; after 700, Python's own number, several searches fall into every decision.
NEW_OBJECTS = 5_000


def settle() -> None:
    """Call this once everything is loaded that stays: half a million objects."""
    give_back()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)


def give_back() -> None:
    """Give free memory back to the system, where the C library can: glibc keeps what loading left free."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
