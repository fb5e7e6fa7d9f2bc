"""Every key of the cluster in etcd, as a function, and the way back. No other module spells one.

The table of keys, who writes each and how long it lives is in docs/architecture.md.
"""

ROOT = "/deis/"

HOSTS = "/deis/hosts/"
HOSTCONF = "/deis/hostconf/"
ENVS = "/deis/envs/"
PLACEMENTS = "/deis/placements/"
INSTANCES = "/deis/instances/"
SERVICES = "/deis/services/"
ROUTES = "/deis/routes/"
CERTS = "/deis/certs/"
ROUTERS = "/deis/routers/"
RUNS = "/deis/runs/"
MOVES = "/deis/moves/"
PREFETCH = "/deis/prefetch/"
CONTROL = "/deis/control/"

LEADER = "/deis/control/leader"
AWAIT = "/deis/control/await"
INCARNATION = "/deis/control/incarnation"
INTENT = "/deis/control/intent"
SWARM = "/deis/control/swarm"

CONTROLLER_HOSTS = "/deis/controller/hosts/"
LOGS_HOSTS = "/deis/logs/hosts/"
LOGS_DELETED = "/deis/logs/deleted/"
REGISTRY_ADDRESS = "/deis/registry/address"

SETTING_COMPONENTS = (
    "builder",
    "controller",
    "database",
    "logs",
    "platform",
    "registry",
    "router",
    "scheduler",
    "store",
)
"""First path parts under which platform settings live, named as in Deis v1."""


def setting(component: str, name: str) -> str:
    """A platform setting; the name may itself hold slashes (`auth/ldap/endpoint`)."""
    return f"{ROOT}{component}/{name}"


def host(name: str) -> str:
    """A host's record, under the host's lease."""
    return HOSTS + name


def hostconf(name: str) -> str:
    """The operator's word on a host: tags, cordon, drain."""
    return HOSTCONF + name


def move(app: str, container: str) -> str:
    """That a copy shall be made again elsewhere."""
    return f"{MOVES}{app}/{container}"


def prefetch(host_name: str, app: str) -> str:
    """That a host shall have an app's image before a copy comes."""
    return f"{PREFETCH}{host_name}/{app}"


def prefetch_of(host_name: str) -> str:
    """The prefix of the images that one host shall have."""
    return f"{PREFETCH}{host_name}/"


def env(app: str, release: int) -> str:
    """The sealed config of a release."""
    return f"{ENVS}{app}/{release}"


def placement(host_name: str, container: str) -> str:
    """A copy wanted on a host."""
    return f"{PLACEMENTS}{host_name}/{container}"


def placements_of(host_name: str) -> str:
    """The prefix of one host's placements."""
    return f"{PLACEMENTS}{host_name}/"


def instance(host_name: str, container: str) -> str:
    """What the host observes of a copy."""
    return f"{INSTANCES}{host_name}/{container}"


def instances_of(host_name: str) -> str:
    """The prefix of one host's instances."""
    return f"{INSTANCES}{host_name}/"


def service(app: str, container: str) -> str:
    """A copy's endpoint."""
    return f"{SERVICES}{app}/{container}"


def services_of(app: str) -> str:
    """The prefix of one app's endpoints."""
    return f"{SERVICES}{app}/"


def runs_of(app: str) -> str:
    """The prefix of what one app's one-off commands left behind."""
    return f"{RUNS}{app}/"


def run_of(app: str, container: str) -> str:
    """The prefix of what one one-off command left behind."""
    return f"{RUNS}{app}/{container}/"


def run_output(app: str, container: str, number: int) -> str:
    """One sealed piece of its output, counted from 0."""
    return f"{RUNS}{app}/{container}/{number:04}"


def run_end(app: str, container: str) -> str:
    """How it ended; written after the last piece of its output."""
    return f"{RUNS}{app}/{container}/end"


def route(app: str) -> str:
    """An app's route: which releases may receive traffic, and under which names."""
    return ROUTES + app


def cert(name: str) -> str:
    """A certificate and its sealed key."""
    return CERTS + name


def router(host_name: str) -> str:
    """What the router of a host serves."""
    return ROUTERS + host_name


def controller_host(name: str) -> str:
    """The address of one controller's HTTP API."""
    return CONTROLLER_HOSTS + name


def logs_host(name: str) -> str:
    """The address of one logger."""
    return LOGS_HOSTS + name


def log_deleted(name: str, app: str) -> str:
    """That a logger is to delete an app's log, when it is there again."""
    return f"{LOGS_DELETED}{name}/{app}"


def logs_deleted_of(name: str) -> str:
    """The prefix of the logs that one logger is to delete."""
    return f"{LOGS_DELETED}{name}/"


def tail(key: str, prefix: str) -> str:
    """What follows the prefix; ValueError when the key is not below it."""
    if not key.startswith(prefix):
        raise ValueError(f"{key} is not below {prefix}")
    return key[len(prefix) :]


def pair(key: str, prefix: str) -> tuple[str, str]:
    """The two names below a prefix of depth two: `<host>/<container>` or `<app>/<container>`."""
    first, _, second = tail(key, prefix).partition("/")
    if not first or not second or "/" in second:
        raise ValueError(f"{key} is not a two-part key below {prefix}")
    return first, second
