"""Images of other apps, which no Dockerfile may take from."""

from time import monotonic

import pytest

from deis_control.builder.bases import foreign_base
from deis_control.registry.names import Names

NAMES = Names(5001)
OTHER = "127.0.0.1:5001/other"


def found(dockerfile: str) -> str | None:
    return foreign_base(dockerfile.encode(), "hello", NAMES)


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM busybox\nCOPY . /app\n",
        "FROM 127.0.0.1:5001/hello:v3\nCOPY --from=127.0.0.1:5001/hello@sha256:0 /a /b\n",
        "FROM registry.example:5000/other\n",
        "FROM other\nRUN curl http://127.0.0.1:5001/other\n",
        f"# FROM {OTHER}\nFROM scratch\n",
        "ARG V=3.11\nFROM python:${V}-slim AS base\nFROM base\nCOPY --from=0 /a /b\n",
        "FROM node:${V:-15}-${W:+0}\n",
        "ARG A=1 B=2\nFROM python:$B\n",
        "",
    ],
)
def test_usual_dockerfiles_are_let_through(dockerfile: str) -> None:
    assert found(dockerfile) is None


@pytest.mark.parametrize(
    "dockerfile",
    [
        f"FROM {OTHER}",
        f"from --platform=linux/amd64 {OTHER}:v3 as x\n",
        "FROM some.host:5001/other",
        "FROM localhost:05001/other",
        "FROM [::1]:5001/hello/other",
        f"\ufeff  FROM\t{OTHER}\r\n",
        f"FROM scratch\nCOPY --chown=1 --from={OTHER} /a /b\n",
        f"FROM scratch\nONBUILD COPY --from={OTHER} /a /b\n",
        f"FROM scratch\nRUN --mount=type=bind,from={OTHER} ls\n",
    ],
)
def test_another_apps_image_is_found(dockerfile: str) -> None:
    assert found(dockerfile) is not None


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FR\\\nOM 127.0.0.1:50\\  \n# a comment\n\n01/other",
        "# escape=`\nFROM 127.0.0.1:50`\r\n01/other",
        f"# escape=`\nFROM scratch\nRUN a \\\nFROM {OTHER}",
        f"FROM scratch\nRUN a \\\\\nFROM {OTHER}",
        f"FROM scratch\nRUN a \\\n\x1c\nFROM {OTHER}",
        f"FROM scratch\nRUN a \\\r\r\nFROM {OTHER}",
        'FROM 127.0.0.1:5"00"1/other',
        "FROM 127.0.0.1:50\\01/other",
    ],
)
def test_no_spelling_hides_it(dockerfile: str) -> None:
    assert found(dockerfile) is not None


@pytest.mark.parametrize(
    "dockerfile",
    [
        f"ARG BASE={OTHER}\nFROM $BASE",
        "ARG A=50\nARG B=${A}01\nFROM 127.0.0.1:${B}/other",
        f"ARG BASE={OTHER}\nFROM scratch\nARG BASE=busybox\nFROM $BASE",
        f"FROM ${{A:-${{B:-{OTHER}}}}}",
        "FROM 127.0.0.1:${A:-50}${A:-01}/other",
        "FROM 127.0.0.1:50${NOTHING}01/other",
        f"ARG BASE=busybox\nARG BASE={OTHER}\nFROM $BASE",
        f'ARG B={OTHER}\nARG A="x B=busybox"\nFROM $B',
        'ARG A="x B=busybox"\nFROM 127.0.0.1:50${B}01/other',
        "ARG A=\nFROM 127.0.0.1:${A-9}5001/other",
        "FROM 127.0.0.1:50$@01/other",
    ],
)
def test_no_variable_hides_it(dockerfile: str) -> None:
    assert found(dockerfile) is not None


def test_variables_that_double_take_no_time() -> None:
    lines = ["ARG A0=xxxxxxxx", *(f"ARG A{n}=$A{n - 1}$A{n - 1}" for n in range(1, 200))]
    start = monotonic()
    found("\n".join([*lines, *["FROM $A9$A9$A199"] * 1000]))
    assert monotonic() - start < 5
