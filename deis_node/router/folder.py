"""The folder that nginx runs in, and the files in it.

Everything is named relative to it, in nginx' configuration and by its workers: they belong to
another user, who may not be able to walk down to it from the root, but needs not when the folder
is where they are already. So it may lie below folders that only root can enter.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from deis_node.router.render import Configuration, lua_files

_SOCKET_LIMIT = 107


class Folder:
    """`<state>/router/nginx`; all methods do file I/O and belong into a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.conf = path / "nginx.conf"
        self.conf_new = path / "nginx.conf.new"
        self.socket = path / "admin" / "admin.sock"
        self.logs = (path / "logs" / "access.log", path / "logs" / "error.log")
        self.start_log = path / "logs" / "start.log"
        self._settings = path / "settings.json"

    def make(self) -> None:
        """Make what is missing of the folders."""
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / "logs").mkdir(exist_ok=True)
        (self.path / "admin").mkdir(exist_ok=True)
        self.path.chmod(0o711)
        (self.path / "logs").chmod(0o711)
        # What lies behind the socket must be nobody's but ours: nginx lets all connect to it.
        (self.path / "admin").chmod(0o700)

    def read_conf(self) -> str:
        """The configuration in force; empty when there is none."""
        try:
            return self.conf.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write_aside(self, configuration: Configuration) -> None:
        """Put a configuration and its Lua code beside the ones in force."""
        code = self.path / configuration.lua / "deis"
        code.mkdir(parents=True, exist_ok=True)
        for name, text in lua_files().items():
            (code / name).write_text(text, encoding="utf-8")
        _write(self.conf_new, configuration.text)

    def swap(self) -> None:
        """Make the configuration that was put aside the one in force."""
        self.conf_new.replace(self.conf)

    def write_conf(self, text: str) -> None:
        """Put an older configuration back in force."""
        _write(self.conf_new, text)
        self.swap()

    def drop_old_code(self) -> None:
        """Remove Lua code that the configuration in force does not name."""
        text = self.read_conf()
        for code in self.path.glob("lua-*"):
            if f"./{code.name}/" not in text:
                shutil.rmtree(code, ignore_errors=True)

    def read_pid(self) -> int:
        """The pid that nginx wrote; 0 when it wrote none."""
        try:
            return int((self.path / "nginx.pid").read_text())
        except (OSError, ValueError):
            return 0

    def drop_socket(self) -> None:
        """Remove a socket that a dead nginx left behind: it could not be bound again."""
        self.socket.unlink(missing_ok=True)

    def start_words(self) -> str:
        """What nginx last said as it was started or asked to test."""
        try:
            return self.start_log.read_text(errors="replace")[-2000:].strip()
        except OSError:
            return ""

    def read_settings(self) -> dict[str, str]:
        """The platform settings that were last right."""
        try:
            data = json.loads(self._settings.read_text(encoding="utf-8"))
            return {str(name): str(text) for name, text in data.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def write_settings(self, texts: Mapping[str, str]) -> None:
        """Keep platform settings that are right."""
        if dict(texts) != self.read_settings() or not self._settings.exists():
            _write(self._settings, json.dumps(dict(texts), sort_keys=True))

    def rotate(self, limit: int) -> bool:
        """Put log files aside that have grown over so many bytes; whether there was one."""
        grown = [log for log in self.logs if log.exists() and log.stat().st_size > limit]
        for log in grown:
            log.replace(log.with_name(f"{log.name}.1"))
        return bool(grown)


def socket_path(folder: Path, descriptor: int) -> str:
    """A path of the admin socket that is short enough for a socket's address.

    `descriptor` is the open folder; used when the folder lies too deep.
    """
    direct = str(folder / "admin" / "admin.sock")
    if len(os.fsencode(direct)) <= _SOCKET_LIMIT:
        return direct
    return f"/proc/self/fd/{descriptor}/admin/admin.sock"


def _write(path: Path, text: str) -> None:
    aside = path.with_name(f"{path.name}.part")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    aside.replace(path)
