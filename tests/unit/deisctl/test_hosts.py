"""What `deisctl hosts` says, and what it reads."""

from typing import Any

import pytest

from deis_cli.deis.errors import CliError
from deis_cli.deisctl.hosts.commands import read_tags
from deis_cli.deisctl.hosts.texts import facts_of, move_text, row_of, size, state_of


def make_host(**facts: Any) -> dict[str, Any]:
    """A host as the API shows it."""
    return {
        "name": "host-1",
        "address": "10.0.0.1",
        "alive": True,
        "cordoned": False,
        "draining": False,
        "tags": {"zone": "z1", "disk": "ssd", "rack": "2"},
        "zone": "z1",
        "arch": "amd64",
        "cpus": 4,
        "cpus_reserved": 0.5,
        "memory": 8 << 30,
        "memory_reserved": 512 << 20,
        "copies": 3,
        "roles": ["router"],
        "agent_version": "2.0.0",
    } | facts


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "ready"),
        ({"cordoned": True}, "cordoned"),
        ({"cordoned": True, "draining": True}, "draining"),
        ({"alive": False}, "gone"),
        ({"alive": False, "draining": True}, "gone, draining"),
    ],
)
def test_a_hosts_state_in_words(facts: dict[str, Any], state: str) -> None:
    assert state_of(make_host(**facts)) == state


def test_a_line_says_what_is_reserved_of_what_there_is() -> None:
    assert row_of(make_host()) == [
        *("host-1", "ready", "z1", "3", "0.5/4", "512M/8G", "amd64", "router"),
        "disk=ssd,rack=2",
    ]
    bare = make_host(tags={}, zone="", roles=[], arch="", cpus=0, cpus_reserved=0, memory=0)
    assert row_of(bare)[2:] == ["-", "3", "0/0", "512M/0", "-", "-", "-"]


def test_what_is_not_known_of_a_host_is_left_out() -> None:
    gone = make_host(alive=False, address=None, roles=[], arch="", agent_version="", zone="")
    assert [label for label, _ in facts_of(gone)] == [
        *("state", "tags", "copies", "processors", "memory"),
    ]


def test_a_move_says_from_where_to_where_and_why() -> None:
    move = {"app": "hello", "process": "web.3", "from": "a", "to": "b", "why": "a is full"}
    assert move_text(move) == "hello web.3: a → b (a is full)"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1023, "1023"), (1 << 20, "1M"), ((1 << 30) * 5 // 2, "2.5G")]
)
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


def test_tags_are_set_by_a_value_and_removed_by_a_dash() -> None:
    assert read_tags(("disk=ssd", "zone=eu-1", "rack-")) == {
        "disk": "ssd",
        "zone": "eu-1",
        "rack": None,
    }
    for wrong in ("disk", "disk=", "1=2", "-", "=x"):
        with pytest.raises(CliError, match="neither KEY=VALUE nor KEY-"):
            read_tags((wrong,))
