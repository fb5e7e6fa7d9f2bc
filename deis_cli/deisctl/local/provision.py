"""What a home needs before its components can start: a database cluster, keys, commands."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deis_cli.deisctl.local.errors import StepFailed
from deis_cli.deisctl.local.home import Choices, Home
from deis_cli.deisctl.local.sites import Site, etcd_endpoints, fabric, sites
from deis_node.cluster.seal import Ring

INITDB = "/usr/lib/postgresql/15/bin/initdb"
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")


def provision(home: Home, choices: Choices, venv: Path) -> None:
    """Make everything that is not there yet; what is there stays as it is."""
    make_keyring(home)
    make_database_cluster(home, choices)
    write_commands(home, choices, venv)
    joined = fabric(choices)
    if joined is not None:
        make_hosts(home, choices)
        joined.ensure()


def make_hosts(home: Home, choices: Choices) -> None:
    """The folders of several hosts, and the host keys that all their builders show."""
    for kind, options in (("ed25519", []), ("rsa", ["-b", "3072"])):
        key = home.host_keys / f"host_{kind}"
        if not key.exists():
            home.host_keys.mkdir(mode=0o700, exist_ok=True)
            argv = ["ssh-keygen", "-q", "-t", kind, *options, "-N", "", "-C", "deis-builder"]
            run([*argv, "-f", str(key)], "No host key could be made")
    for site in sites(home, choices):
        for folder in (site.data, site.etc, site.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        own = builder_keys(site)
        if site.controller and not own.exists():
            aside = own.with_suffix(".new")
            shutil.rmtree(aside, ignore_errors=True)
            aside.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copytree(home.host_keys, aside)
            aside.rename(own)


def builder_keys(site: Site) -> Path:
    """Where a host's builder has its host keys."""
    return site.data / "control" / "builder" / "ssh"


def make_keyring(home: Home) -> None:
    """The key that seals secrets; losing it would lose every config, so it is made once."""
    if not home.keyring.exists():
        Ring.create(home.keyring)


def make_database_cluster(home: Home, choices: Choices) -> None:
    """A PostgreSQL cluster of the home's own; made aside, so that none is ever half made."""
    data = home.data / "postgres"
    if data.exists():
        return
    aside = home.data / "postgres.new"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    shutil.chown(aside, "postgres", "postgres")
    password = home.data / "postgres.password"
    password.touch(mode=0o600)
    shutil.chown(password, "postgres", "postgres")
    password.write_text(choices.postgres_password + "\n")
    argv = [*AS_POSTGRES, INITDB, "-D", str(aside), "--username=deis", "--auth=scram-sha-256"]
    argv += [f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8"]
    try:
        run(argv, "PostgreSQL's cluster could not be made")
    finally:
        password.unlink()
    joined = fabric(choices)
    if joined is not None:
        with (aside / "pg_hba.conf").open("a") as rules:
            # `all` databases are not replication, which backups are made by: pg_basebackup(1).
            for databases in ("all", "replication"):
                rules.write(f"host {databases} all {joined.network} scram-sha-256\n")
    aside.rename(data)


def write_commands(home: Home, choices: Choices, venv: Path) -> None:
    """`bin/deis` with this home's profile, `bin/deisctl` with this home, its etcd and profile."""
    every = sites(home, choices)
    etcd = ",".join(etcd_endpoints(every, every[0], choices.etcd_port))
    profile = home.user / ".deis"
    _write_script(
        home.bin / "deis",
        f"DEIS_PROFILE_DIR={shlex.quote(str(profile))}; export DEIS_PROFILE_DIR\n"
        f'exec {shlex.quote(str(venv / "bin" / "deis"))} "$@"\n',
    )
    _write_script(
        home.bin / "deisctl",
        f"DEIS_LOCAL_HOME={shlex.quote(str(home.root))}; export DEIS_LOCAL_HOME\n"
        f"DEIS_PROFILE_DIR={shlex.quote(str(profile))}; export DEIS_PROFILE_DIR\n"
        f"DEISCTL_ENDPOINT={shlex.quote(etcd)}; export DEISCTL_ENDPOINT\n"
        f"DEISCTL_KEYRING={shlex.quote(str(home.keyring))}; export DEISCTL_KEYRING\n"
        f'exec {shlex.quote(str(venv / "bin" / "deisctl"))} "$@"\n',
    )


def run(argv: Sequence[str], what: str, *, timeout: float = 120) -> str:
    """Run a program to its end and return what it printed; StepFailed with its last lines."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise StepFailed(f"{what}: {err}") from err
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines()
        raise StepFailed(
            f"{what}: {argv[0]} ended with {done.returncode}.", log_tail="\n".join(lines[-12:])
        )
    return done.stdout


def _write_script(path: Path, body: str) -> None:
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
