"""The refusal of a value that does not fit its type."""


class BadValue(ValueError):
    """A value that does not fit its type. `str()` is a sentence without a full stop; `help` says what to do."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help
