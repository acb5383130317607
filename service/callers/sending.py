"""What a caller sends to a use case: the base of its models, and the texts that several of them take."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

# PostgreSQL cannot store a text with a zero byte.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class Sending(BaseModel):
    """A body that is sent. Unknown members are refused, and so is a value that is of its type only by conversion."""

    model_config = ConfigDict(extra="forbid", strict=True)
