"""A command's section of the reference pages: usage, help, and the table of its options. PURE."""

import click


def described(command: click.Command, path: str, depth: int) -> str:
    """Markdown under a heading of that depth; `path` is what is typed before its arguments."""
    usage = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    lines = [f"{'#' * depth} `{path} {usage}`", "", help_of(command), *_options(command)]
    return "\n".join(lines) + "\n"


def help_of(command: click.Command) -> str:
    """Its help, without the indentation of the code."""
    return "\n".join(line.strip() for line in (command.help or "").strip().splitlines())


def _options(command: click.Command) -> list[str]:
    rows = [_row(item) for item in command.params if isinstance(item, click.Option)]
    return ["", "| option | what |", "|---|---|", *rows] if rows else []


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    if not option.is_flag:
        names += f" {option.metavar or _kind(option)}"
    default = f" (default `{option.default}`)" if option.show_default else ""
    variable = f" Also `{option.envvar}`." if option.envvar else ""
    return f"| {names} | {option.help}{default}{variable} |"


def _kind(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return "\\|".join(str(choice) for choice in option.type.choices)
    numbers = (click.types.IntRange, click.types.IntParamType, click.types.FloatParamType)
    return "NUMBER" if isinstance(option.type, numbers) else "TEXT"
