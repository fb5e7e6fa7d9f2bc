"""Running git: argv lists only, an environment made from nothing, deadlines, one configuration.

All repositories share one configuration file and one folder of hooks, written when the builder
starts, so that a new version of the builder never meets an old repository's settings.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path

from deis_control.builder.errors import GitFailed

HOOK = "pre-receive"
_PATIENCE = 60.0
_LIMIT = 16 * 1024 * 1024
_KEPT = 4096
_PIECE = 256 * 1024

_CONFIG = """\
[core]
	hooksPath = {hooks}
	logAllRefUpdates = false
[safe]
	directory = *
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol]
	allow = never
[receive]
	fsckObjects = true
	unpackLimit = 1
	autogc = false
	advertisePushOptions = false
	maxInputSize = {push_bytes}
[receive "fsck"]
	zeroPaddedFilemode = warn
	badTimezone = warn
	missingSpaceBeforeDate = warn
[tar]
	umask = 0022
"""
"""Every push stays a pack (`unpackLimit`), which git syncs to disk before the hook runs; the three
lenient checks are faults that many old and harmless histories have."""


class Git:
    """The git program with the builder's configuration; `home` is a folder of the builder's own."""

    def __init__(self, home: Path, *, push_bytes: int) -> None:
        self._home = home
        self._push_bytes = push_bytes
        self.environment: Mapping[str, str] = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(home / "config"),
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def install(self) -> None:
        """Write configuration and hook; blocking, once at the start."""
        hooks = self._home / "hooks"
        hooks.mkdir(parents=True, exist_ok=True, mode=0o700)
        source = Path(__file__).with_name(HOOK)
        _replace(hooks / HOOK, source.read_text(encoding="utf-8"), mode=0o700)
        config = _CONFIG.format(hooks=_quoted(hooks), push_bytes=self._push_bytes)
        _replace(self._home / "config", config, mode=0o600)
        if shutil.which("git", path=self.environment["PATH"]) is None:
            raise GitFailed("--version", 127, "git is not installed")

    async def run(
        self,
        *arguments: str,
        cwd: Path,
        stdin: bytes = b"",
        limit: int = _LIMIT,
        patience: float = _PATIENCE,
    ) -> bytes:
        """All that a command prints; GitFailed as in `stream`, and for more than `limit` bytes."""
        pieces = []
        async with aclosing(
            self.stream(*arguments, cwd=cwd, stdin=stdin, patience=patience)
        ) as out:
            async for piece in out:
                pieces.append(piece)
                limit -= len(piece)
                if limit < 0:
                    raise GitFailed(arguments[0], -1, "more output than expected")
        return b"".join(pieces)

    async def stream(
        self, *arguments: str, cwd: Path, stdin: bytes = b"", patience: float = _PATIENCE
    ) -> AsyncGenerator[bytes, None]:
        """What a command prints, piece by piece, given a short input.

        GitFailed when the command fails or is silent for `patience` seconds.
        """
        verb = arguments[0]
        async with self._process(arguments, cwd, feed=bool(stdin)) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                if process.stdin is not None:
                    # uvloop raises RuntimeError for a process that has ended already.
                    with suppress(OSError, RuntimeError):
                        process.stdin.write(stdin)
                        process.stdin.close()
                while True:
                    async with asyncio.timeout(patience):
                        piece = await process.stdout.read(_PIECE)
                    if not piece:
                        break
                    yield piece
                async with asyncio.timeout(patience):
                    err = await process.stderr.read(_KEPT)
                    status = await process.wait()
            except TimeoutError as error:
                raise GitFailed(verb, -1, f"silent for {patience:g} s") from error
        if status:
            raise GitFailed(verb, status, _text(err))

    @asynccontextmanager
    async def _process(
        self, arguments: tuple[str, ...], cwd: Path, *, feed: bool
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process that does not outlive the block."""
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=cwd,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE if feed else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=_PIECE,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                kill_group(process.pid)
                await process.wait()


def kill_group(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    """End a process that we started as the leader of its group, with all of the group."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _replace(path: Path, text: str, *, mode: int) -> None:
    """Write a file so that readers see the old or the new one, never a half."""
    aside = path.with_name(path.name + ".new")
    aside.write_text(text, encoding="utf-8")
    aside.chmod(mode)
    aside.replace(path)


def _quoted(path: Path) -> str:
    """A path as a value of git's configuration."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _text(err: bytes) -> str:
    return err[-_KEPT:].decode("utf-8", "replace").strip()
