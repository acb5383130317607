"""
What schemathesis asks with: a whole number is written as one, without a fraction.

By JSON Schema 1.0 is an integer. To this service it is none, so that no number has two spellings in what is signed.
"""

from typing import Any

import schemathesis


def whole(value: Any) -> Any:
    """The same JSON, with `1` for `1.0`."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: whole(each) for name, each in value.items()}
        case list():
            return [whole(each) for each in value]
    return value


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Applied to each body before it is sent."""
    return whole(body)
