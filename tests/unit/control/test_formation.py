"""Formations, commands and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.rules import (
    command_for,
    default_structure,
    memory_bytes,
    running_structure,
    scale_event,
    scaled_structure,
    started_by,
    stop_event,
    stopped_after,
    stopped_by,
    structure_after,
)
from tests.unit.control.builders import make_build


@pytest.mark.parametrize(
    ("facts", "structure"),
    [
        ({"sha": ""}, {"cmd": 1}),
        ({"sha": "", "procfile": {"web": "x"}}, {"cmd": 1}),
        ({"dockerfile": "true", "procfile": {}}, {"cmd": 1}),
        ({"dockerfile": "", "procfile": {"worker": "x"}}, {"cmd": 1}),
        ({"dockerfile": "true", "procfile": {"web": "x"}}, {"web": 1}),
        ({"dockerfile": "", "procfile": {}}, {"web": 1}),
    ],
)
def test_default_formations(facts: dict[str, object], structure: dict[str, int]) -> None:
    assert default_structure(make_build(**facts)) == structure


def test_a_first_build_gets_the_default() -> None:
    assert structure_after({}, None, make_build()) == {"web": 1}


def test_a_formation_stays_over_a_build() -> None:
    assert structure_after({"web": 3}, make_build(), make_build()) == {"web": 3}


def test_types_that_the_new_procfile_lacks_go() -> None:
    before = make_build(procfile={"web": "x", "worker": "y"})
    assert structure_after({"web": 2, "worker": 1}, before, make_build()) == {"web": 2}


def test_cmd_survives_because_it_is_in_no_procfile() -> None:
    structure = structure_after({"cmd": 1, "web": 1}, make_build(), make_build(procfile={}))
    assert structure == {"cmd": 1}


def test_an_app_left_without_copies_gets_the_default() -> None:
    dockerfile = make_build(procfile={})
    assert structure_after({"web": 2}, make_build(), dockerfile) == {"cmd": 1}
    assert structure_after({"web": 2, "cmd": 0}, make_build(), dockerfile) == {"cmd": 1}


def test_an_app_scaled_to_nothing_stays_so() -> None:
    assert structure_after({"web": 0}, make_build(), make_build()) == {"web": 0}


def test_going_back_to_no_build_changes_no_formation() -> None:
    assert structure_after({"web": 2}, make_build(), None) == {"web": 2}


@pytest.mark.parametrize(
    ("structure", "requested", "result"),
    [
        ({"web": 1}, {"worker": 2}, {"web": 1, "worker": 2}),
        ({}, {"worker": 2, "cmd": 0}, {"worker": 2, "cmd": 0}),
        ({"cmd": 0, "worker": 2}, {"worker": 0}, {"worker": 0}),
    ],
)
def test_scaled_formations(
    structure: dict[str, int], requested: dict[str, int], result: dict[str, int]
) -> None:
    assert scaled_structure(structure, requested) == result


@pytest.mark.parametrize(
    ("facts", "kind", "command"),
    [
        ({"dockerfile": ""}, "web", ("start", "web")),
        ({"dockerfile": ""}, "cmd", ("start", "cmd")),
        ({}, "web", ("/bin/sh", "-c", "serve")),
        ({"sha": "", "dockerfile": ""}, "web", ("/bin/sh", "-c", "serve")),
        ({}, "cmd", None),
        ({"procfile": {"cmd": 'it\'s "odd"'}}, "cmd", ("/bin/sh", "-c", 'it\'s "odd"')),
        ({}, "gone", None),
    ],
)
def test_commands(facts: dict[str, object], kind: str, command: tuple[str, ...] | None) -> None:
    assert command_for(make_build(**facts), kind) == command


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100B", 100),
        ("1k", 1024),
        ("1KB", 1024),
        ("512M", 512 << 20),
        ("20mb", 20 << 20),
        ("2G", 2 << 30),
        ("0M", 0),
    ],
)
def test_memory_limits(text: str, size: int) -> None:
    assert memory_bytes(text) == size


def test_a_scale_is_told_in_the_contracts_words() -> None:
    assert scale_event("bob", {"web": 2, "worker": 1}) == "bob scaled containers web=2 worker=1"


STRUCTURES = st.dictionaries(st.sampled_from(["web", "cmd", "worker"]), st.integers(0, 3))


@given(STRUCTURES, STRUCTURES, STRUCTURES)
def test_a_build_never_leaves_a_running_app_without_copies(
    structure: dict[str, int], old: dict[str, int], new: dict[str, int]
) -> None:
    before = make_build(procfile=dict.fromkeys(old, "x"))
    after = make_build(procfile=dict.fromkeys(new, "x"))
    left = structure_after(structure, before, after)
    assert (sum(left.values()) > 0) >= (sum(structure.values()) > 0 or not structure)


def test_what_runs_is_the_formation_without_its_stopped_types() -> None:
    assert running_structure({"web": 2, "worker": 1}, ("web",)) == {"worker": 1}
    assert running_structure({"web": 2}, ()) == {"web": 2}


@pytest.mark.parametrize(
    ("stopped", "process_type", "result"),
    [
        ((), "web", ("web",)),
        ((), None, ("web", "worker")),
        (("worker",), "web", ("web", "worker")),
        (("web",), "web", ("web",)),
        ((), "clock", ()),
        ((), "unknown", ()),
    ],
)
def test_a_stop_is_about_types_with_copies(
    stopped: tuple[str, ...], process_type: str | None, result: tuple[str, ...]
) -> None:
    structure = {"web": 2, "worker": 1, "clock": 0}
    assert stopped_by(structure, stopped, process_type) == result


def test_a_start_is_about_one_type_or_all() -> None:
    assert started_by(("web", "worker"), "web") == ("worker",)
    assert started_by(("web", "worker"), None) == ()
    assert started_by(("web",), "worker") == ("web",)


@pytest.mark.parametrize(
    ("stopped", "before", "after", "scaled", "result"),
    [
        (("web",), {"web": 1, "worker": 1}, {"web": 1, "worker": 2}, {"worker"}, ("web",)),
        (("web",), {"web": 1}, {"web": 2}, {"web"}, ()),
        (("web",), {"web": 1}, {"web": 1, "worker": 1}, {"worker"}, ("web",)),
        (("web",), {"web": 1, "worker": 1}, {"worker": 1}, (), ()),
        (("web",), {"web": 1}, {"cmd": 1}, (), ("cmd",)),
        (("web",), {"web": 1, "cmd": 0}, {"cmd": 1}, (), ("cmd",)),
        ((), {}, {"web": 1}, (), ()),
        ((), {"web": 0}, {"cmd": 1}, (), ()),
    ],
)
def test_what_stays_stopped_over_another_formation(
    stopped: tuple[str, ...],
    before: dict[str, int],
    after: dict[str, int],
    scaled: set[str],
    result: tuple[str, ...],
) -> None:
    assert stopped_after(stopped, before, after, scaled) == result


def test_stops_and_starts_are_told() -> None:
    assert stop_event("bob", "stopped", "web") == "bob stopped web"
    assert stop_event("bob", "started", None) == "bob started all processes"
