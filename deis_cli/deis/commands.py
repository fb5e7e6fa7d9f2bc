"""The table of commands: what there is, and where it lives. Importing it imports none of them."""

from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "apps:create": ("apps", "create"),
    "apps:list": ("apps", "list_apps"),
    "apps:info": ("apps", "info"),
    "apps:open": ("apps", "open_app"),
    "apps:logs": ("apps", "logs"),
    "apps:run": ("apps", "run"),
    "apps:destroy": ("apps", "destroy"),
    "apps:transfer": ("apps", "transfer"),
    "audit": ("audit", "audit"),
    "auth:register": ("auth", "register"),
    "auth:login": ("auth", "login"),
    "auth:logout": ("auth", "logout"),
    "auth:passwd": ("auth", "passwd"),
    "auth:whoami": ("auth", "whoami"),
    "auth:cancel": ("auth", "cancel"),
    "auth:regenerate": ("auth", "regenerate"),
    "builds:list": ("builds", "list_builds"),
    "builds:create": ("builds", "create"),
    "certs:list": ("certs", "list_certs"),
    "certs:add": ("certs", "add"),
    "certs:remove": ("certs", "remove"),
    "completion": ("completion", "completion"),
    "config:list": ("config", "list_config"),
    "config:set": ("config", "set_config"),
    "config:unset": ("config", "unset_config"),
    "config:pull": ("config", "pull"),
    "config:push": ("config", "push"),
    "domains:add": ("domains", "add"),
    "domains:list": ("domains", "list_domains"),
    "domains:remove": ("domains", "remove"),
    "git:remote": ("git_remote", "remote"),
    "keys:list": ("keys", "list_keys"),
    "keys:add": ("keys", "add"),
    "keys:remove": ("keys", "remove"),
    "limits:list": ("limits", "list_limits"),
    "limits:set": ("limits", "set_limits"),
    "limits:unset": ("limits", "unset_limits"),
    "operations:list": ("operations", "list_operations"),
    "operations:info": ("operations", "info"),
    "operations:watch": ("operations", "watch"),
    "operations:cancel": ("operations", "cancel"),
    "perms:list": ("perms", "list_perms"),
    "perms:create": ("perms", "create"),
    "perms:delete": ("perms", "delete"),
    "ps:list": ("ps", "list_processes"),
    "ps:scale": ("ps", "scale"),
    "ps:restart": ("ps", "restart"),
    "ps:stop": ("ps", "stop"),
    "ps:start": ("ps", "start"),
    "ps:explain": ("explain", "explain"),
    "releases:list": ("releases", "list_releases"),
    "releases:info": ("releases", "info"),
    "releases:diff": ("diff", "diff"),
    "releases:rollback": ("releases", "rollback"),
    "shortcuts": ("shortcuts", "shortcuts"),
    "tags:list": ("tags", "list_tags"),
    "tags:set": ("tags", "set_tags"),
    "tags:unset": ("tags", "unset_tags"),
    "tokens:list": ("tokens", "list_tokens"),
    "tokens:create": ("tokens", "create"),
    "tokens:remove": ("tokens", "remove"),
    "users:list": ("users", "list_users"),
}
"""Full name → (module below `deis_cli.deis`, name in it)."""

GROUPS: Mapping[str, str] = {
    "apps": "manage applications used to provide services",
    "ps": "manage processes inside an app container",
    "config": "manage environment variables that define app config",
    "domains": "let applications answer under names of their own",
    "builds": "manage builds created using 'git push'",
    "limits": "bound the memory and CPU of processes",
    "tags": "choose the hosts that processes run on",
    "releases": "manage releases of an application",
    "operations": "watch and cancel changes of what runs",
    "certs": "manage certificates of your own domains",
    "keys": "manage ssh keys used for 'git push' deployments",
    "perms": "say who may use an application",
    "tokens": "manage tokens for machines",
    "git": "manage git for applications",
    "users": "see who has an account",
    "auth": "authenticate with a controller",
}
"""Group → what it is for, in the order of the overview."""

LISTED_BY_NAME = frozenset(GROUPS) - {"auth", "git"}
"""Groups whose bare name means their list (cli.md section 1)."""

SINGLE: Mapping[str, str] = {
    "audit": "who did what to your applications",
    "completion": "completion for bash, zsh and fish",
    "shortcuts": "the short names of commands",
    "version": "the version of this command line",
}
"""Commands without a group → what they are for."""

SHORTCUTS: Mapping[str, str] = {
    "create": "apps:create",
    "destroy": "apps:destroy",
    "info": "apps:info",
    "login": "auth:login",
    "logout": "auth:logout",
    "logs": "apps:logs",
    "open": "apps:open",
    "passwd": "auth:passwd",
    "pull": "builds:create",
    "register": "auth:register",
    "rollback": "releases:rollback",
    "run": "apps:run",
    "scale": "ps:scale",
    "sharing": "perms:list",
    "sharing:add": "perms:create",
    "sharing:list": "perms:list",
    "sharing:remove": "perms:delete",
    "whoami": "auth:whoami",
}


def full_name(word: str) -> str | None:
    """The command that a word on the command line means; None when there is none."""
    if word in SHORTCUTS:
        return SHORTCUTS[word]
    if word in LISTED_BY_NAME:
        return f"{word}:list"
    return word if word in COMMANDS else None


def group_of(word: str) -> str:
    """The group that a word on the command line belongs to, or would as a plug-in."""
    return word.partition(":")[0]
