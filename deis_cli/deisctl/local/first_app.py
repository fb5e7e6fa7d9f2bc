"""The first user's first steps, done by the commands that the user will go on with.

Nothing here touches the machine's resolver or anybody's ssh and git configuration: key, known
hosts, profile and working copy lie in the home, and the working copy's own git configuration
names them.
"""

import http.client
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deis_cli.deisctl.local.errors import StepFailed
from deis_cli.deisctl.local.home import Choices, Home, caller_ids
from deis_cli.deisctl.local.status import controller_url

BUSYBOX = Path("/bin/busybox")
PUSH_TIMEOUT = 300.0


@dataclass(frozen=True, slots=True)
class FirstUser:
    """Acts as the first user of a home, through `deis`, `ssh-keygen` and `git`."""

    home: Home
    choices: Choices

    @property
    def key(self) -> Path:
        """The private key; the public one lies beside it."""
        return self.home.user / "id_ed25519"

    @property
    def working_copy(self) -> Path:
        """The sample's own git repository."""
        return self.home.user / self.choices.app

    def register(self) -> None:
        """Create the account, or log in to it when it is there already."""
        controller, user = controller_url(self.choices), self.choices.username
        account = [f"--username={user}"]
        if self._deis("register", controller, *account, "--email=admin@localhost").returncode:
            self._check(
                self._deis("login", controller, *account), "The first user could not log in"
            )

    def add_key(self) -> None:
        """Make a key pair and give its public half to the controller."""
        if not self.key.exists():
            argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "admin@deis-local"]
            self._check(self._run([*argv, "-f", str(self.key)]), "No ssh key could be made")
        listed = self._check(self._deis("keys:list"), "The keys could not be listed")
        if "admin@deis-local" not in listed:
            added = self._deis("keys:add", str(self.key) + ".pub")
            self._check(added, "The key could not be added")

    def trust_builder(self, host_keys: Sequence[str]) -> None:
        """Write the known hosts: the builder's own public keys, read from its files."""
        name = f"[127.0.0.1]:{self.choices.builder_port}"
        lines = [f"{name} {key}\n" for key in host_keys]
        (self.home.user / "known_hosts").write_text("".join(lines))

    def create_app(self) -> None:
        """Create the sample app unless it is there."""
        name = self.choices.app
        if self._deis("apps:info", "-a", name).returncode:
            created = self._deis("apps:create", name, "--no-remote")
            self._check(created, f"The app {name} could not be created")

    def prepare_working_copy(self, sample: Path) -> None:
        """Copy the sample, commit it, and tell its git where to push and with which key."""
        copy = self.working_copy
        if not copy.exists():
            aside = copy.with_suffix(".new")
            shutil.rmtree(aside, ignore_errors=True)
            shutil.copytree(sample, aside)
            shutil.copy2(BUSYBOX, aside / "busybox")
            self._git(aside, "init", "-q", "-b", "master")
            aside.rename(copy)
        remote = f"ssh://git@127.0.0.1:{self.choices.builder_port}/{self.choices.app}.git"
        for key, value in {
            "user.name": "Deis",
            "user.email": "admin@localhost",
            "core.sshCommand": self.ssh_command(),
            "remote.deis.url": remote,
            "remote.deis.fetch": "+refs/heads/*:refs/remotes/deis/*",
        }.items():
            self._git(copy, "config", key, value)
        if self._run(["git", "-C", str(copy), "rev-parse", "-q", "--verify", "HEAD"]).returncode:
            self._git(copy, "add", "-A")
            self._git(copy, "commit", "-q", "-m", "A first app")

    def push(self) -> str:
        """`git push deis master`; what the builder said."""
        argv = ["git", "-C", str(self.working_copy), "push", "deis", "master"]
        done = self._run(argv, timeout=PUSH_TIMEOUT)
        self._check(done, "git push failed")
        return done.stderr

    def answer(self, timeout: float = 30) -> str:
        """The app's answer to a first request through the router."""
        deadline = time.monotonic() + timeout
        while True:
            status, body = self._get()
            if status == 200:
                return body
            if time.monotonic() >= deadline:
                raise StepFailed(f"The app answers {status} instead of 200.", log_tail=body)
            time.sleep(0.05)

    def hand_over(self) -> None:
        """Give the user's folder to whoever called through sudo, so that root is not needed."""
        ids = caller_ids()
        if ids is not None:
            for folder, _, files in os.walk(self.home.user):
                for path in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118
                    os.chown(path, *ids, follow_symlinks=False)

    def ssh_command(self) -> str:
        """How git reaches the builder: this key, these known hosts, nobody's configuration."""
        options = [
            *("-F", "/dev/null", "-i", str(self.key)),
            *("-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={self.home.user / 'known_hosts'}"),
        ]
        return shlex.join(["ssh", *options])

    def _get(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.choices.http_port, timeout=5)
        host = f"{self.choices.app}.{self.choices.domain}"
        try:
            connection.request("GET", "/", headers={"Host": host})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as err:
            return 0, str(err)
        finally:
            connection.close()

    def _deis(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # By the environment, since everybody may read a process' arguments.
        password = {"DEIS_PASSWORD": self.choices.password}
        return self._run([str(self.home.bin / "deis"), *arguments], environ=password)

    def _git(self, folder: Path, *arguments: str) -> None:
        done = self._run(["git", "-C", str(folder), *arguments])
        self._check(done, f"git {arguments[0]} failed in {folder}")

    def _run(
        self, argv: list[str], timeout: float = 60, environ: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        whole = {
            **keep,
            **(environ or {}),
            "HOME": str(self.home.user),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
        }
        try:
            return subprocess.run(
                argv,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
                env=whole,
                cwd=self.home.user,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired as err:
            raise StepFailed(f"{argv[0]} {argv[-1]} took longer than {timeout:.0f} s.") from err

    def _check(self, done: subprocess.CompletedProcess[str], what: str) -> str:
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            raise StepFailed(f"{what}.", log_tail="\n".join(lines[-15:]))
        return done.stdout
