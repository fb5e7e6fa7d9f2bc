"""The command line of `deisctl config`."""

import asyncio
import os
import sys
from pathlib import Path

import click


@click.command("config")
@click.argument("component")
@click.argument("verb", type=click.Choice(["get", "set", "rm"]))
@click.argument("words", nargs=-1)
@click.option(
    "--endpoint",
    default="http://127.0.0.1:2379",
    envvar="DEISCTL_ENDPOINT",
    show_default=True,
    help="URLs of etcd's members, separated by commas.",
)
@click.option(
    "--etcd-cafile",
    type=click.Path(path_type=Path, exists=True),
    help="Certificates that a member's certificate is checked by.",
)
@click.option("--etcd-user", default="", envvar="DEISCTL_ETCD_USER", help="User in etcd.")
@click.option(
    "--keyring",
    type=click.Path(path_type=Path),
    envvar="DEISCTL_KEYRING",
    help="The platform's ring of keys, which secret settings are sealed with.",
)
@click.option("--request-timeout", default=10.0, show_default=True, help="Seconds for one try.")
def config(
    component: str,
    verb: str,
    words: tuple[str, ...],
    endpoint: str,
    etcd_cafile: Path | None,
    etcd_user: str,
    keyring: Path | None,
    request_timeout: float,
) -> None:
    """Read, write or delete settings of a component, such as `scheduler set engine=swarm`.

    Keys and certificates are given as the path of a file, or `-` for stdin: `router set
    sslKey=server.key`. Secret ones (sshPrivateKey, sslKey) are sealed and never printed.

    The password of the user in etcd is taken from DEISCTL_ETCD_PASSWORD.
    """
    from deis_cli.deisctl.config import run
    from deis_node.cluster.settings import EtcdSettings
    from deis_node.runtime.errors import DeisError

    settings = EtcdSettings(
        endpoints=tuple(part.strip() for part in endpoint.split(",")),
        username=etcd_user,
        password=os.environ.get("DEISCTL_ETCD_PASSWORD", ""),
        ca_file=etcd_cafile,
        timeout=request_timeout,
    )
    try:
        lines = asyncio.run(run(settings, component, verb, words, keyring))
    except DeisError as err:
        click.echo(f"Error: {err}")
        sys.exit(1)
    for line in lines:
        click.echo(line)
