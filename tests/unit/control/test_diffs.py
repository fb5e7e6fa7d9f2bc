"""What differs between two releases."""

from hypothesis import given
from hypothesis import strategies as st

from deis_control.model import ConfigData
from deis_control.rules.diffs import parts_of, release_diff
from tests.unit.control.builders import make_build
from tests.worlds import make_live

MAPPINGS = st.dictionaries(st.sampled_from("ABCDE"), st.sampled_from("xyz"))


@given(MAPPINGS, MAPPINGS)
def test_what_differs_makes_the_one_of_the_other(old: dict[str, str], new: dict[str, str]) -> None:
    parts = parts_of(old, new)
    made = {name: value for name, value in old.items() if name not in parts.removed}
    for name, (before, after) in parts.changed.items():
        assert made[name] == before != after
        made[name] = after
    assert made | parts.added == new
    assert set(parts.pairs) == {name for name in "ABCDE" if old.get(name) != new.get(name)}


def test_releases_are_compared_in_build_procfile_and_config() -> None:
    old = make_live(
        version=2,
        build=make_build(procfile={"web": "serve", "clock": "tick"}),
        config=ConfigData({"A": "1", "B": "2"}, {"web": "1G"}, {"web": 5}, {"rack": "1"}),
    )
    new = make_live(
        version=4,
        build=make_build(procfile={"web": "serve -v", "worker": "work"}),
        config=ConfigData({"B": "3", "C": "4"}, {"web": "2G", "worker": "1G"}),
    )
    diff = release_diff(old, new)
    assert (diff.app, diff.old, diff.new, diff.rebuilt) == ("hello", 2, 4, True)
    assert diff.procfile.added == {"worker": "work"}
    assert diff.procfile.changed == {"web": ("serve", "serve -v")}
    assert diff.procfile.removed == {"clock": "tick"}
    assert (diff.values.added, diff.values.removed) == ({"C": "4"}, {"A": "1"})
    assert diff.values.changed == {"B": ("2", "3")}
    assert diff.memory.pairs == {"web": ("1G", "2G"), "worker": (None, "1G")}
    assert diff.cpu.pairs == {"web": (5, None)}
    assert diff.tags.pairs == {"rack": ("1", None)}


def test_a_release_differs_from_itself_in_nothing() -> None:
    live = make_live(build=make_build(), config=ConfigData({"A": "1"}, {"web": "1G"}))
    diff = release_diff(live, live)
    assert not diff.rebuilt
    for parts in (diff.procfile, diff.values, diff.memory, diff.cpu, diff.tags):
        assert parts.pairs == {}


def test_a_release_without_a_build_has_no_procfile() -> None:
    diff = release_diff(make_live(version=1), make_live(build=make_build()))
    assert (diff.old_build, diff.rebuilt) == (None, True)
    assert diff.procfile.added == {"web": "serve"}
