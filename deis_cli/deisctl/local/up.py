"""Bring a home up: from nothing, after a reboot, or after `down`; and tell what runs where."""

import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deis_cli.deisctl.local import checks, network, processes, status
from deis_cli.deisctl.local.components import Component, all_components, pid_file
from deis_cli.deisctl.local.down import stop
from deis_cli.deisctl.local.errors import LocalError, StepFailed
from deis_cli.deisctl.local.fabric import host_name
from deis_cli.deisctl.local.first_app import FirstUser
from deis_cli.deisctl.local.home import Choices, Home, choose
from deis_cli.deisctl.local.progress import Progress
from deis_cli.deisctl.local.provision import builder_keys, provision
from deis_cli.deisctl.local.router_stop import master, router_folder
from deis_cli.deisctl.local.settings_files import write_settings
from deis_cli.deisctl.local.sites import sites
from deis_cli.deisctl.local.supervisor import PID_NAME, lock_home, start_resident
from deis_cli.deisctl.local.swarm import form_swarm
from deis_node.cluster.records import NATIVE, SWARM

START_TIMEOUT = 90.0
"""Seconds until a component must answer; a slow disk makes PostgreSQL's first start slow."""


STARTED = "started"
"""A file that says that every component has run."""
MOST_STARTS = 4
"""A component that had to be started more often will not come up."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asked for; None where nothing was said."""

    home: Path
    http_port: int | None = None
    builder_port: int | None = None
    hosts: int | None = None
    engine: str | None = None
    docker_host: str | None = None
    sample: Path | None = None
    json: bool = False


def up(wishes: Wishes) -> None:
    """Bring the platform up; LocalError with one sentence when that cannot be done."""
    home = Home(wishes.home)
    checks.check_machine(home.root, new=not home.choices_file.exists())
    choices = home.load()
    if choices is not None and _is_up(home, choices):
        check_same(choices, wishes)
        report(home, choices, wishes, running=True)
        return
    lock = _lock(home)
    with lock:
        new = choices is None
        choices = _prepare(home, choices, wishes)
        try:
            _bring_up(home, choices, wishes)
        except StepFailed:
            if new and not (home.run / STARTED).exists():
                home.start_over()
            raise


def check_same(choices: Choices, wishes: Wishes) -> None:
    """LocalError when the home was made with another choice than what is asked for now."""
    for option, asked, kept in (
        ("--http-port", wishes.http_port, choices.http_port),
        ("--builder-port", wishes.builder_port, choices.builder_port),
        ("--docker-host", wishes.docker_host, choices.docker_host),
        ("--hosts", wishes.hosts, choices.hosts),
        ("--engine", wishes.engine, SWARM if choices.swarm else NATIVE),
    ):
        if asked is not None and asked != kept:
            raise LocalError(
                f"This home was made with {option} {kept or 'of its own'}: leave the option out, "
                "or use another --home."
            )


def report(home: Home, choices: Choices, wishes: Wishes, *, running: bool = False) -> None:
    """Print what runs where and what to try next; with --json one object as the last line."""
    out = Progress(sys.stderr if wishes.json else sys.stdout)
    table = status.rows(home, choices, _components(home, choices))
    if running:
        out.line("The platform is already running.")
    out.line()
    for line in status.as_table(table):
        out.line(line)
    out.line()
    for line in _next_commands(home, choices, deployed=_deployed(home).exists()):
        out.line(line)
    if wishes.json:
        sys.stdout.write(status.as_json(home, choices, table) + "\n")


def _prepare(home: Home, choices: Choices | None, wishes: Wishes) -> Choices:
    """Check what the machine must offer, then make or load the choices."""
    if choices is None:
        return _choose(home, wishes)
    check_same(choices, wishes)
    if not _router_runs(home, choices):
        checks.check_kept_port(choices.http_port)
    builder = "deis-control" if choices.hosts == 1 else "relay"
    if processes.read(pid_file(home, builder)) is None:
        checks.check_kept_port(choices.builder_port)
    return choices


def _choose(home: Home, wishes: Wishes) -> Choices:
    """Make a new home's choices, and its folders."""
    http_port, builder_port = wishes.http_port or 8080, wishes.builder_port or 2222
    if http_port == builder_port:
        raise LocalError("--http-port and --builder-port must differ.")
    checks.check_port(http_port, "--http-port")
    checks.check_port(builder_port, "--builder-port")
    given, hosts = wishes.docker_host or "", 1 if wishes.hosts is None else wishes.hosts
    checks.check_hosts(hosts, given)
    if wishes.engine == SWARM:
        checks.check_swarm(hosts)
    choices = choose(
        http_port=http_port,
        builder_port=builder_port,
        docker_host=given,
        subnet="" if given else network.choose_subnet(),
        sample=wishes.sample is not None,
        hosts=hosts,
        swarm=wishes.engine == SWARM,
    )
    home.make_folders()
    home.save(choices)
    return choices


def _router_runs(home: Home, choices: Choices) -> bool:
    """Whether it is ours that listens where users look."""
    if choices.hosts == 1:
        return master(router_folder(home.data / "node")) is not None
    return processes.read(pid_file(home, "relay")) is not None


def _bring_up(home: Home, choices: Choices, wishes: Wishes) -> None:
    """Every step from an empty or stopped home to an app that answers."""
    out = Progress(sys.stderr if wishes.json else sys.stdout)
    out.line(f"Deis on this machine, in {home.root}")
    venv = Path(sys.prefix)
    with out.step("Database cluster, keys, settings"):
        provision(home, choices, venv)
        write_settings(home, choices)
    _start(home, choices, out)
    if choices.swarm:
        with out.step("Joining the Docker Engines to a Swarm"):
            form_swarm(home, choices)
    user = FirstUser(home, choices)
    if not _registered(home).exists():
        _register(home, user, out)
    if choices.sample and wishes.sample is not None and not _deployed(home).exists():
        _deploy_first_app(home, user, wishes.sample, out)
    user.hand_over()
    report(home, choices, wishes)


def _start(home: Home, choices: Choices, out: Progress) -> None:
    """Start every component; one that cannot start for the first time takes the others along."""
    started = home.run / STARTED
    start_resident(home, home.bin / "deisctl")
    try:
        for component in filter(lambda item: item.wanted(), _components(home, choices)):
            with out.step(f"Starting {component.name}"):
                _await_ready(home, component)
    except StepFailed:
        if not started.exists():
            stop(home, choices, out, remove=False)
        raise
    started.touch()


def _register(home: Home, user: FirstUser, out: Progress) -> None:
    """Make the first account, log in, and add a key."""
    with out.step(f"Registering the first user, {user.choices.username}"):
        user.register()
        user.trust_builder(_host_keys(home, user.choices))
        user.add_key()
    _registered(home).touch()


def _deploy_first_app(home: Home, user: FirstUser, sample: Path, out: Progress) -> None:
    """Create the app, push it, and see it answer."""
    choices = user.choices
    with out.step(f"Creating the app {choices.app}"):
        user.create_app()
        user.prepare_working_copy(sample)
    with out.step("git push deis master"):
        said = user.push()
    for line in said.splitlines():
        out.line("    " + line.split("\x1b[1G")[-1].removeprefix("remote: ").rstrip())
    with out.step(f"Asking {status.app_url(choices)}"):
        body = user.answer()
    for line in _text_of(body).splitlines():
        out.line("    " + line)
    _deployed(home).touch()


def _await_ready(home: Home, component: Component) -> None:
    """Wait until a component answers; StepFailed with its log's last lines."""
    deadline = time.monotonic() + START_TIMEOUT
    starts = set[int]()
    while not component.ready():
        if processes.read(pid_file(home, PID_NAME)) is None:
            log = home.log_of(PID_NAME)
            raise StepFailed(f"The supervisor ended; see {log}.", log_tail=processes.tail(log))
        process = processes.read(pid_file(home, component.name))
        if process is not None:
            starts.add(process.pid)
        log = home.log_of(component.name)
        if len(starts) > MOST_STARTS or time.monotonic() >= deadline:
            what = "ends again and again" if len(starts) > MOST_STARTS else "does not answer"
            raise StepFailed(
                f"{component.name} {what} ({component.address}): mend what the end of {log} says, "
                "and run this again.",
                log_tail=processes.tail(log) or processes.tail(home.log_of(PID_NAME)),
            )
        time.sleep(0.05)


def _is_up(home: Home, choices: Choices) -> bool:
    """Whether an earlier `up` came to its end and everything of it answers."""
    done = _registered(home).exists() and (not choices.sample or _deployed(home).exists())
    return done and _all_ready(home, _components(home, choices))


def _all_ready(home: Home, components: tuple[Component, ...]) -> bool:
    if processes.read(pid_file(home, PID_NAME)) is None:
        return False
    return all(
        processes.read(pid_file(home, item.name)) is not None and item.ready()
        for item in components
        if item.wanted()
    )


def _registered(home: Home) -> Path:
    """A file that says that the first user was registered."""
    return home.user / ".registered"


def _deployed(home: Home) -> Path:
    """A file that says that the sample was deployed once; its app is the user's from then on."""
    return home.user / ".sample-deployed"


def _components(home: Home, choices: Choices) -> tuple[Component, ...]:
    return all_components(home, choices, Path(sys.prefix))


def _lock(home: Home) -> IO[str]:
    home.make_folders()
    lock = lock_home(home, "up")
    if lock is None:
        raise LocalError(f"Another `up` or `down` is at work in {home.root}: wait for it.")
    return lock


def _host_keys(home: Home, choices: Choices) -> list[str]:
    """The builder's public host keys, as OpenSSH writes them in known_hosts."""
    folder = builder_keys(sites(home, choices)[0])
    keys = [" ".join(path.read_text().split()[:2]) for path in sorted(folder.glob("*.pub"))]
    if not keys:
        raise StepFailed(f"The builder has no host keys in {folder}.")
    return keys


def _text_of(page: str) -> str:
    """The words of a small HTML page, one line an element, for the terminal."""
    body = re.sub(r"(?s)<(style|script|title).*?</\1>", "", page)
    words = re.sub(r"<[^>]*>", "\n", body)
    return "\n".join(line.strip() for line in words.splitlines() if line.strip())


def _next_commands(home: Home, choices: Choices, *, deployed: bool) -> list[str]:
    """The next three commands to try, as they can be pasted."""
    deis = home.bin / "deis"
    account = (
        f"You are {choices.username} at {status.controller_url(choices)}; "
        f"the password is in {home.choices_file}."
    )
    plug = [f"  {home.bin / 'deisctl'} local host off {host_name(2)}"] if choices.hosts > 1 else []
    if not deployed:
        next_three = [f"  {deis} {words}" for words in ("whoami", "apps:create", "help")]
        return [account, "", "Next:", *next_three, *plug]
    copy = home.user / choices.app
    return [
        account,
        f"{choices.app} answers at {status.app_url(choices)}",
        f"(where *.{choices.domain} is not resolved: "
        f"curl -H 'Host: {choices.app}.{choices.domain}' http://127.0.0.1:{choices.http_port})",
        "",
        "Next:",
        f"  {deis} ps:scale web=3 -a {choices.app}",
        f"  {deis} logs -a {choices.app}",
        f"  cd {copy} && echo Hallo > message.txt && git commit -am Hallo && git push deis master",
        *plug,
    ]
