"""The reference page of `deis`, made of the commands themselves."""

from deis_cli.deis.commands import COMMANDS, GROUPS, SHORTCUTS, SINGLE
from deis_cli.deis.main import load
from deis_cli.deis.shapes import LISTS, OBJECTS
from deis_cli.described import described

_HEAD = """\
# `deis`

Generated from the commands by `python contrib/reference.py`. What differs from Deis v1 stands in
[differences.md](differences.md#deis).

    deis <command> [<args>...]

`deis help` prints an overview, `deis help <group>` a group's commands, `deis help <command>` a
command's options. A bare group means its list (`deis apps` is `deis apps:list`); `auth` and `git`
have none and print their commands. `deis foo:bar a` runs the program `deis-foo bar a` from the
path when there is no group `foo`.

## The app

`-a/--app` names it. Without, it is the one that a git remote of the folder at the controller's
host names, else the folder's own name.

## Output

Into a pipe every command prints plain text that stays as it is, for scripts; `--json` prints
the API's objects. On a terminal there are colours (not with `NO_COLOR`), tables as wide as the
screen, and a deploy shows what it is at. Ctrl-C then leaves the deploy alone: it goes on, and
`deis operations:watch` shows it again.

Commands that deploy take `--dry-run` (tells which release would be made, which copies would start
and stop) and `--detach` (prints the operation's id at once).

## Exit status

| status | when |
|---|---|
| 0 | all went well |
| 1 | an error, or wrong options; the deploy or operation failed or was cancelled |
| 130 | Ctrl-C |
| other | `deis run`: the command's own; a plug-in: its own |

## Environment

| variable | what |
|---|---|
| `DEIS_PROFILE` | which login: the file `<name>.json` in the profile's folder; default `client` |
| `DEIS_PROFILE_DIR` | the profile's folder; default `~/.deis` |
| `DEIS_PASSWORD` | the password for register, login, passwd and cancel: no process list shows it |
| `DEIS_NEW_PASSWORD` | the new password for passwd |
| `DEIS_DRINK_OF_CHOICE` | what to drink while processes start; default coffee |
| `NO_COLOR` | no colours on a terminal |
| `SSL_CERT_FILE` | a file of certificate authorities to trust |
| `http_proxy`, `https_proxy`, `no_proxy` | proxies |

## Files

| file | what |
|---|---|
| `~/.deis/client.json` | the login: controller, user, token; its owner's alone |
| `.env` | what config:pull writes and config:push reads, `KEY=value` lines: see below |
| `Procfile` | process types for builds:create, a YAML map of commands |

A value in `.env` stands as it is, or in double quotes with JSON's escapes where a plain line could
not hold it: line ends, quotes, backslashes, blanks at an end, `#` at the start, what cannot be
printed. Quotes around a value are taken off when it is read. Blank lines, `#` lines, a leading
`export ` and `\\r` at an end are passed over.

## Completion

    source <(deis completion bash)          # in ~/.bashrc
    source <(deis completion zsh)           # in ~/.zshrc, behind compinit
    deis completion fish | source           # in ~/.config/fish/config.fish

Commands, options and the names of your apps; the controller has one second to name them.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, _shortcuts(), _shapes(), "## Commands\n"]
    for group, purpose in GROUPS.items():
        parts.append(f"### {group}\n\n{_plain(purpose)}.\n")
        parts += [
            described(load(name), f"deis {name}", 4)
            for name in COMMANDS
            if name.startswith(f"{group}:")
        ]
    parts.append("### Without a group\n")
    parts += [described(load(name), f"deis {name}", 4) for name in COMMANDS if name in SINGLE]
    parts.append("#### `deis version`\n\nPrint the version, as `--version` and `-v` do.\n")
    return "\n".join(parts)


def _plain(purpose: str) -> str:
    return purpose[0].upper() + purpose[1:].replace("'git push'", "`git push`")


def _shortcuts() -> str:
    lines = ["## Shortcuts\n", "| short | command |", "|---|---|"]
    lines += [f"| `{word}` | `{name}` |" for word, name in sorted(SHORTCUTS.items())]
    return "\n".join(lines) + "\n"


def _shapes() -> str:
    lines = [
        "## JSON",
        "",
        "Lists print an array with all entries, or as many as `-l` says; facts print an object.",
        "The keys below stay; new ones may come.",
        "",
        "| command | prints | keys |",
        "|---|---|---|",
    ]
    lines += [f"| `{name}` | array of objects | {_keys(keys)} |" for name, keys in LISTS.items()]
    lines += [f"| `{name}` | object | {_keys(keys)} |" for name, keys in OBJECTS.items()]
    lines.append("| `tags:list` | object | the tags' names |")
    return "\n".join(lines) + "\n"


def _keys(keys: tuple[str, ...]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
