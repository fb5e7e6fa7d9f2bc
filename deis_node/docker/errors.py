"""What can go wrong between the platform and a Docker Engine.

DockerError                 anything else the engine answered, with its text
├── NotFound                no such container or image
├── Conflict                the name is taken, or the state does not allow it
├── StartFailed             the container could not be started; `.text`, `.fault`
├── PullFailed              the image could not be fetched; `.text`
├── PushFailed              the image could not be sent; `.text`
├── BuildFailed             a step of the build failed; `.text`
└── Unavailable             no engine, no answer in time, or the answer broke off: try again
"""

from enum import StrEnum

from deis_node.runtime.errors import DeisError


class DockerError(DeisError):
    """The engine refused or failed; `text` is its own sentence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class NotFound(DockerError):
    """No such container or image."""


class Conflict(DockerError):
    """The name is taken, or the container's state does not allow it."""


class Unavailable(DockerError):
    """The engine cannot be reached, did not answer in time, or broke off its answer."""


class PullFailed(DockerError):
    """The image could not be fetched."""


class PushFailed(DockerError):
    """The image could not be sent to its registry."""


class BuildFailed(DockerError):
    """A step of the build failed."""


class StartFault(StrEnum):
    """Why a container could not be started, as far as the platform tells causes apart."""

    NO_EXECUTABLE = "no executable"
    """The image lacks the program that the command names (for example `/bin/sh`)."""
    PORT_TAKEN = "port taken"
    """The host port is held by somebody else."""
    OTHER = "other"


class StartFailed(DockerError):
    """The container could not be started."""

    @property
    def fault(self) -> StartFault:
        """The kind of the failure, read from the engine's text."""
        return start_fault(self.text)


def start_fault(text: str) -> StartFault:
    """Tell causes apart by what the engine and its runtime say (runc, containerd, libnetwork)."""
    lowered = text.lower()
    if any(mark in lowered for mark in _PORT_MARKS):
        return StartFault.PORT_TAKEN
    if any(mark in lowered for mark in _PROGRAM_MARKS):
        return StartFault.NO_EXECUTABLE
    return StartFault.OTHER


_PORT_MARKS = ("port is already allocated", "address already in use")
_PROGRAM_MARKS = ("executable file not found", "no such file or directory")
