"""What a command can end with.

CliError              `Error: <text>` on stderr, status 1
└── ApiError          the controller refused: status line, then one line a message
"""


class CliError(Exception):
    """A command failed; the text is for the user."""


class ApiError(CliError):
    """The controller answered with an error status (cli.md section 1)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
