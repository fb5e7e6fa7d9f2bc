"""What a change comes to, for the placing and for a dry run alike."""

import pytest

from deis_control.deltas import (
    BuildDelta,
    ConfigDelta,
    RestartDelta,
    RollbackDelta,
    ScaleDelta,
    StartDelta,
    StopDelta,
)
from deis_control.errors import Invalid
from deis_control.model import ConfigData
from deis_control.scheduler.deciding import Decided, Facts, Refused, decide, difference_of
from deis_node.cluster.names import CopyName
from tests.worlds import make_build, make_copy, make_live, make_placed

BUILD = make_build({"web": "serve", "worker": "work"}, sha="1234567", dockerfile="true")
PLACED = [make_placed(make_copy("web", 1)), make_placed(make_copy("worker", 1))]
BOTH = {"web": 1, "worker": 1}


def names(copies: tuple[CopyName, ...] | frozenset[CopyName]) -> list[str]:
    return [copy.container.removeprefix("hello_") for copy in sorted(copies)]


def shown(decided: Decided, facts: Facts) -> tuple[list[str], list[str], list[str]]:
    found = difference_of(decided, facts)
    return names(found.start), names(found.stop), names(found.keep)


def test_a_stop_of_a_type_keeps_the_counts_and_ends_its_copies() -> None:
    facts = Facts(make_live(BOTH, build=BUILD), PLACED)
    decided = decide(StopDelta("web"), facts, "ann")
    assert (decided.plan.structure, decided.plan.stopped) == (BOTH, ("web",))
    assert decided.making is None
    assert shown(decided, facts) == ([], ["v2.web.1"], ["v2.worker.1"])


def test_a_stop_without_a_type_ends_all_that_has_copies() -> None:
    facts = Facts(make_live({**BOTH, "clock": 0}, build=BUILD), PLACED)
    decided = decide(StopDelta(), facts, "ann")
    assert decided.plan.stopped == ("web", "worker")
    assert shown(decided, facts) == ([], ["v2.web.1", "v2.worker.1"], [])


def test_a_start_runs_as_many_copies_as_before_the_stop() -> None:
    facts = Facts(make_live({"web": 2, "worker": 1}, stopped=("web",), build=BUILD), PLACED[1:])
    decided = decide(StartDelta(), facts, "ann")
    assert decided.plan.stopped == ()
    assert shown(decided, facts) == (["v2.web.1", "v2.web.2"], [], ["v2.worker.1"])


def test_a_start_of_a_type_leaves_the_others_stopped() -> None:
    facts = Facts(make_live(BOTH, stopped=("web", "worker"), build=BUILD))
    decided = decide(StartDelta("worker"), facts, "ann")
    assert decided.plan.stopped == ("web",)
    assert shown(decided, facts) == (["v2.worker.1"], [], [])


def test_a_copy_that_still_ends_is_not_taken_up_again() -> None:
    facts = Facts(
        make_live({"web": 1}, stopped=("web",), build=BUILD),
        [make_placed(make_copy("web", 1), state="stop")],
    )
    decided = decide(StartDelta("web"), facts, "ann")
    assert names(decided.plan.fresh) == ["v2.web.1.g2"]


def test_a_scale_starts_the_types_that_it_names_and_no_other() -> None:
    facts = Facts(make_live(BOTH, stopped=("web", "worker"), build=BUILD))
    decided = decide(ScaleDelta({"web": 2}), facts, "ann")
    assert decided.plan.structure == {"web": 2, "worker": 1}
    assert decided.plan.stopped == ("worker",)
    assert shown(decided, facts) == (["v2.web.1", "v2.web.2"], [], [])


def test_a_release_has_no_copies_of_stopped_types() -> None:
    facts = Facts(make_live(BOTH, stopped=("web",), build=BUILD), PLACED[1:], highest=2)
    decided = decide(ConfigDelta({"A": "1"}), facts, "ann")
    assert (decided.plan.structure, decided.plan.stopped) == (BOTH, ("web",))
    assert shown(decided, facts) == (["v3.worker.1"], ["v2.worker.1"], [])
    assert decided.making is not None
    assert decided.making.summary == "ann added A"


def test_an_app_that_is_stopped_does_not_get_the_default_formation() -> None:
    facts = Facts(make_live({"web": 2}, stopped=("web",), build=BUILD), build=BUILD, highest=2)
    decided = decide(BuildDelta("x"), facts, "ann")
    assert (decided.plan.structure, decided.plan.copies) == ({"web": 2}, frozenset())


def test_an_app_that_is_stopped_as_a_whole_stays_so_with_other_types() -> None:
    other = make_build({"clock": "tick"}, sha="7654321", dockerfile="true")
    facts = Facts(make_live({"web": 2}, stopped=("web",), build=BUILD), build=other, highest=2)
    decided = decide(BuildDelta("x"), facts, "ann")
    assert (decided.plan.structure, decided.plan.stopped) == ({"cmd": 1}, ("cmd",))
    assert decided.plan.copies == frozenset()


def test_a_type_that_goes_is_not_stopped_any_more() -> None:
    other = make_build({"worker": "work"}, sha="7654321", dockerfile="true")
    facts = Facts(make_live(BOTH, stopped=("web",), build=BUILD), PLACED[1:], 2, other)
    decided = decide(BuildDelta("x"), facts, "ann")
    assert (decided.plan.structure, decided.plan.stopped) == ({"worker": 1}, ())


def test_a_restart_makes_stopped_types_not_again() -> None:
    facts = Facts(make_live(BOTH, stopped=("web",), build=BUILD), PLACED[1:])
    decided = decide(RestartDelta(), facts, "ann")
    assert (decided.plan.structure, decided.plan.stopped) == (BOTH, ("web",))
    assert shown(decided, facts) == (["v2.worker.1.g2"], ["v2.worker.1"], [])


def test_a_rollback_takes_build_and_config_of_the_release_that_it_goes_back_to() -> None:
    back = make_live(version=2, build=BUILD, config=ConfigData({"A": "1"}))
    facts = Facts(make_live({"web": 1}, version=5, build=BUILD), highest=7, back=back)
    decided = decide(RollbackDelta(2), facts, "ann")
    assert decided.making is not None
    assert decided.making.summary == "ann rolled back to v2"
    assert (decided.blueprint.release, decided.blueprint.config.values) == (8, {"A": "1"})


def test_what_a_failed_change_left_is_not_shown_as_running() -> None:
    facts = Facts(make_live({"web": 1}, build=BUILD), [*PLACED[:1], make_placed(make_copy(num=9))])
    assert shown(decide(ScaleDelta({"web": 1}), facts, "ann"), facts) == ([], [], ["v2.web.1"])


def test_changes_that_make_no_sense_are_refused() -> None:
    bare = Facts(make_live({}))
    for delta in (ScaleDelta({"web": 1}), StopDelta(), StartDelta()):
        with pytest.raises(Refused, match="No build associated with this release"):
            decide(delta, bare, "ann")
    facts = Facts(make_live({"web": 1}, build=BUILD), back=make_live(version=1))
    with pytest.raises(Refused, match="No build associated with this release to run"):
        decide(RollbackDelta(1), facts, "ann")
    with pytest.raises(Invalid):
        decide(ConfigDelta({"A": "x" * (1 << 20)}), facts, "ann")


def test_a_restart_of_an_app_without_copies_is_nothing() -> None:
    facts = Facts(make_live({}))
    assert shown(decide(RestartDelta(), facts, "ann"), facts) == ([], [], [])


def test_a_store_that_is_ahead_has_numbers_that_are_taken() -> None:
    ahead = make_placed(make_copy(release=9))
    facts = Facts(make_live({"web": 1}, build=BUILD), [ahead], highest=4)
    assert decide(ConfigDelta({}), facts, "ann").plan.release == 10
