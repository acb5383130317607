"""What a process that serves leaves out of searches for cycles."""

import gc

from service.policies import steady_memory


def test_what_is_loaded_is_left_out_of_searches_and_new_objects_are_searched_seldom() -> None:
    """After `settle` nothing that is there is searched, and a search waits for several thousand new objects."""
    usual = gc.get_threshold()
    try:
        steady_memory.settle()
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[0] == steady_memory.NEW_OBJECTS
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
