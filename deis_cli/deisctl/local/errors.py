"""What can go wrong with a local platform, as one sentence that says what to do."""

from deis_node.runtime.errors import DeisError


class LocalError(DeisError):
    """A step of `up` or `down` cannot be done; the text is for the person at the terminal."""


class StepFailed(LocalError):
    """A step failed; carries the log that tells more."""

    def __init__(self, text: str, *, log_tail: str = "") -> None:
        super().__init__(text)
        self.log_tail = log_tail
