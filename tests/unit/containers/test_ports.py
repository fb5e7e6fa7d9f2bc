"""Which host port a copy gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_node.containers.ports import (
    NoPort,
    Ports,
    adopt,
    empty,
    keep,
    refuse,
    release,
    take,
    within,
)

HOUR = 3600.0


def taken(ports: Ports, container: str, app: str = "hello", now: float = 0) -> tuple[Ports, int]:
    return take(ports, container, app, now=now, quarantine=HOUR)


def test_a_copy_keeps_its_port() -> None:
    ports, first = taken(empty(20000, 20009), "a")
    ports, _ = taken(ports, "b")
    assert taken(ports, "a") == (ports, first)


def test_a_freed_port_waits_at_the_end_of_the_queue() -> None:
    ports, first = taken(empty(20000, 20002), "a")
    ports = release(ports, "a", now=0)
    ports, second = taken(ports, "b", now=HOUR)
    ports, third = taken(ports, "c", now=HOUR)
    _, again = taken(ports, "d", now=HOUR)
    assert (first, second, third, again) == (20000, 20001, 20002, 20000)


def test_another_app_waits_for_the_quarantine_and_the_same_one_need_not() -> None:
    ports, port = taken(empty(20000, 20000), "a", app="hello")
    ports = release(ports, "a", now=1000)
    with pytest.raises(NoPort, match="no host port is free"):
        taken(ports, "x", app="other", now=1000 + HOUR - 1)
    assert taken(ports, "b", app="hello", now=1001)[1] == port
    assert taken(ports, "x", app="other", now=1000 + HOUR)[1] == port


def test_a_port_that_an_outsider_holds_is_given_to_nobody_for_a_while() -> None:
    ports, _ = taken(empty(20000, 20001), "a")
    ports = refuse(ports, "a", now=0)
    ports, second = taken(ports, "a")
    assert second == 20001
    with pytest.raises(NoPort):
        taken(ports, "b", app="hello")


def test_what_a_running_container_has_counts() -> None:
    ports = adopt(empty(20000, 20001), "a", "hello", 20000)
    assert taken(ports, "b")[1] == 20001
    assert adopt(ports, "a", "hello", 20000) is ports


def test_another_range_leaves_what_is_held() -> None:
    ports, _ = taken(empty(20000, 20001), "a")
    moved = within(ports, 30000, 30001)
    assert taken(moved, "a")[1] == 20000
    assert taken(moved, "b")[1] == 30000


def test_a_range_that_is_changed_and_changed_back_shortens_no_quarantine() -> None:
    ports, port = taken(empty(20000, 20001), "a")
    ports = within(release(ports, "a", now=0), 30000, 30001)
    assert taken(ports, "b", "other", now=HOUR)[1] == 30000
    ports = within(ports, 20000, 20001)
    ports, others = taken(ports, "b", "other", now=10)
    assert others != port
    with pytest.raises(NoPort):
        taken(ports, "c", "other", now=20)
    assert taken(ports, "c", "other", now=HOUR)[1] == port


def test_ports_survive_being_written_down() -> None:
    ports, _ = taken(empty(20000, 20009), "a")
    ports = release(taken(ports, "b")[0], "a", now=5)
    assert Ports.from_bytes(ports.to_bytes()) == ports


def test_the_port_of_a_container_that_is_no_more_rests_from_now_on() -> None:
    ports, port = taken(empty(20000, 20000), "a")
    assert keep(ports, {"a", "b"}, now=1000) is ports
    ports = keep(ports, {"b"}, now=1000)
    with pytest.raises(NoPort):
        taken(ports, "c", "other", now=1000 + HOUR - 1)
    assert taken(ports, "c", "other", now=1000 + HOUR)[1] == port


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["take", "release", "write", "die"]),
        st.integers(0, 5),
        st.integers(0, 900),
    ),
    max_size=40,
)


@given(_ACTIONS)
def test_no_port_has_two_holders_or_moves_to_another_app_too_early(
    actions: list[tuple[str, int, int]],
) -> None:
    """Also when the agent dies, whose releases were not all written down."""
    ports, now, last = empty(20000, 20007), 0.0, {}
    written = ports
    for action, number, seconds in actions:
        now += seconds
        container, app = f"c{number}", f"app{number % 2}"
        if action == "write":
            written = ports
        elif action == "die":
            ports = keep(written, ports.held, now=now)
        elif action == "release":
            held = ports.held.get(container)
            if held:
                last[held.port] = (held.app, now)
            ports = release(ports, container, now=now)
        elif container not in ports.held:
            try:
                ports, port = taken(ports, container, app, now)
            except NoPort:
                continue
            written = ports
            former, since = last.get(port, (app, 0.0))
            assert former == app or now - since >= HOUR
        holders = [held.port for held in ports.held.values()]
        assert len(holders) == len(set(holders))
        assert not set(holders) & {entry.port for entry in ports.freed}
