"""What can go wrong in the builder.

BuilderError
├── Declined        the push cannot be taken; the text is what the pusher reads
├── ViewerGone      the pusher went away: the work goes on without a screen
└── GitFailed       a git command of ours failed; `.text` is what it said
"""

from deis_node.runtime.errors import DeisError


class BuilderError(DeisError):
    """Root of the builder's errors."""


class Declined(BuilderError):
    """The push is refused; the text is one or more lines for the pusher."""


class ViewerGone(BuilderError):
    """Nobody reads the output any more."""


class GitFailed(BuilderError):
    """A git command of ours ended with an error."""

    def __init__(self, verb: str, status: int, text: str) -> None:
        super().__init__(f"git {verb} failed with status {status}: {text}")
        self.status = status
        self.text = text
