"""The table of commands: what there is, and where it lives. Importing it imports none of them."""

from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "apps:create": ("apps", "create"),
    "apps:list": ("apps", "list_apps"),
    "apps:info": ("apps", "info"),
    "apps:open": ("apps", "open_app"),
    "apps:logs": ("apps", "logs"),
    "apps:destroy": ("apps", "destroy"),
    "auth:register": ("auth", "register"),
    "auth:login": ("auth", "login"),
    "auth:logout": ("auth", "logout"),
    "auth:whoami": ("auth", "whoami"),
    "builds:list": ("builds", "list_builds"),
    "builds:create": ("builds", "create"),
    "config:list": ("config", "list_config"),
    "config:set": ("config", "set_config"),
    "config:unset": ("config", "unset_config"),
    "config:pull": ("config", "pull"),
    "config:push": ("config", "push"),
    "git:remote": ("git_remote", "remote"),
    "keys:list": ("keys", "list_keys"),
    "keys:add": ("keys", "add"),
    "keys:remove": ("keys", "remove"),
    "ps:list": ("ps", "list_processes"),
    "ps:scale": ("ps", "scale"),
    "ps:restart": ("ps", "restart"),
    "releases:list": ("releases", "list_releases"),
    "releases:info": ("releases", "info"),
    "releases:rollback": ("releases", "rollback"),
}
"""Full name → (module below `deis_cli.deis`, name in it)."""

GROUPS: Mapping[str, str] = {
    "apps": "manage applications used to provide services",
    "auth": "authenticate with a controller",
    "builds": "manage builds created by `git push`",
    "config": "manage environment variables that define app config",
    "git": "manage git for applications",
    "keys": "manage ssh keys used for `git push` deployments",
    "ps": "manage processes inside an app container",
    "releases": "manage releases of an application",
}
"""Group → what it is for."""

LISTED_BY_NAME = frozenset({"apps", "builds", "config", "keys", "ps", "releases"})
"""Groups whose bare name means their list (cli.md section 1)."""

SHORTCUTS: Mapping[str, str] = {
    "create": "apps:create",
    "destroy": "apps:destroy",
    "info": "apps:info",
    "open": "apps:open",
    "logs": "apps:logs",
    "login": "auth:login",
    "logout": "auth:logout",
    "register": "auth:register",
    "whoami": "auth:whoami",
    "pull": "builds:create",
    "rollback": "releases:rollback",
    "scale": "ps:scale",
}


def full_name(word: str) -> str | None:
    """The command that a word on the command line means; None when there is none."""
    if word in SHORTCUTS:
        return SHORTCUTS[word]
    if word in LISTED_BY_NAME:
        return f"{word}:list"
    return word if word in COMMANDS else None
