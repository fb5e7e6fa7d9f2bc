"""What a command can end with.

CliError              `Error: <text>` on stderr, status 1
└── ApiError          the controller refused: status line, then one line a message
Interrupted           Ctrl-C while something goes on elsewhere: the text on stderr, status 130
"""


class CliError(Exception):
    """A command failed; the text is for the user, the hint says what to do next."""

    def __init__(self, text: str, hint: str | None = None) -> None:
        super().__init__(text)
        self.hint = hint


class ApiError(CliError):
    """The controller answered with an error status (cli.md section 1)."""

    def __init__(self, status: int, text: str, hint: str | None = None) -> None:
        super().__init__(text, hint)
        self.status = status


class Interrupted(Exception):
    """The user left; the text says what goes on without him."""
