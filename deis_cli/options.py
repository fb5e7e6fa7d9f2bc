"""The table of a command's options, for the reference pages. PURE."""

import click


def options_table(command: click.Command) -> list[str]:
    """Lines of Markdown; none when the command has no options."""
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
