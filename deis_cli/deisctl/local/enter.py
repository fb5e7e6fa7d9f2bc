"""`python -m deis_cli.deisctl.local.enter GROUP PROGRAM ARGUMENT…`: run a program in a group.

The process puts itself into the control group and then becomes the program, so that neither it
nor any child of it was ever outside. Its pid stays the same.
"""

import os
import sys

from deis_cli.deisctl.local.cgroups import cgroup_enter


def main(arguments: list[str]) -> None:
    """Enter the group and become the program; OSError when either cannot be done."""
    group, program, *_ = arguments
    cgroup_enter(group)
    os.execvp(program, arguments[1:])  # noqa: S606 - an argv list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
