"""What the watch says of committed exchanges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """
    A CloudEvent about a commitment, its `subject`. `type` ends with what happened, like `moved.v1`, and `data` says what to do.

    `id` is the same in the list, in the stream and in a webhook.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    specversion: Literal["1.0"] = field(repr=False)
    datacontenttype: Literal["application/json"] = field(repr=False)
    data: Mapping[str, Any] = field(repr=False, hash=False)
