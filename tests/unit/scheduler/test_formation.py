"""Which copies a change wants."""

from deis_control.scheduler.formation import (
    Plan,
    for_release,
    for_restart,
    for_scale,
    settled_copies,
)
from deis_control.scheduler.world import Placed
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import PlacementState
from tests.worlds import make_copy, make_placed


def names(copies: frozenset[CopyName]) -> list[str]:
    return [copy.container.removeprefix("hello_v2.") for copy in sorted(copies)]


def web(*numbers: int, created: str = "2024-01-01T00:00:00UTC") -> list[Placed]:
    return [make_placed(make_copy(num=num), created=created, revision=num) for num in numbers]


def test_a_release_has_every_copy_of_the_structure_in_its_first_generation() -> None:
    plan = for_release("hello", 2, {"web": 2, "worker": 1, "clock": 0}, ())
    assert names(plan.copies) == ["web.1", "web.2", "worker.1"]
    assert plan.fresh == plan.copies
    assert plan.new_release


def test_a_name_that_is_still_in_the_store_gets_the_next_generation() -> None:
    plan = for_release("hello", 2, {"web": 1}, [make_copy(), make_copy(generation=3)])
    assert names(plan.copies) == ["web.1.g4"]


def test_scaling_up_goes_on_above_the_highest_number() -> None:
    before = {"web": 2}
    plan = for_scale("hello", 2, {"web": 4}, before=before, placed=web(1, 5))
    assert names(plan.fresh) == ["web.6", "web.7"]
    assert names(plan.copies) == ["web.1", "web.5", "web.6", "web.7"]
    assert plan.old == frozenset()


def test_scaling_down_lets_the_most_recently_created_go_first() -> None:
    placed = [*web(1, 3), *web(2, created="2024-02-02T00:00:00UTC")]
    plan = for_scale("hello", 2, {"web": 1}, before={"web": 3}, placed=placed)
    assert names(plan.copies) == ["web.1"]
    assert names(plan.old) == ["web.2", "web.3"]


def test_copies_of_one_second_go_in_the_order_of_the_store() -> None:
    plan = for_scale("hello", 2, {"web": 2}, before={"web": 3}, placed=web(3, 1, 2))
    assert names(plan.old) == ["web.3"]


def test_types_that_are_not_named_go() -> None:
    placed = [*web(1), make_placed(make_copy("worker"))]
    plan = for_scale("hello", 2, {"web": 1}, before={"web": 1, "worker": 1}, placed=placed)
    assert names(plan.old) == ["worker.1"]


def test_what_a_failed_scale_left_is_no_part_of_the_formation() -> None:
    plan = for_scale("hello", 2, {"web": 2}, before={"web": 1}, placed=web(1, 2))
    assert names(plan.fresh) == ["web.2.g2"]
    assert names(plan.copies) == ["web.1", "web.2.g2"]


def test_the_same_counts_change_nothing() -> None:
    plan = for_scale("hello", 2, {"web": 2}, before={"web": 2}, placed=web(1, 2))
    assert (plan.fresh, plan.old) == (frozenset(), frozenset())


def test_a_restart_makes_every_copy_again() -> None:
    plan = for_restart("hello", 2, {"web": 2}, placed=web(1, 2))
    assert names(plan.copies) == ["web.1.g2", "web.2.g2"]
    assert names(plan.old) == ["web.1", "web.2"]


def test_a_restart_of_one_copy_leaves_the_others() -> None:
    plan = for_restart("hello", 2, {"web": 2}, placed=web(1, 2), process_type="web", num=2)
    assert names(plan.copies) == ["web.1", "web.2.g2"]


def test_a_restart_of_a_type_leaves_other_types() -> None:
    placed = [*web(1), make_placed(make_copy("worker"))]
    plan = for_restart("hello", 2, {"web": 1, "worker": 1}, placed=placed, process_type="worker")
    assert names(plan.fresh) == ["worker.1.g2"]


def test_at_rest_the_copies_that_are_there_are_kept() -> None:
    copies = settled_copies("hello", 2, {"web": 2}, web(4, 7))
    assert names(copies) == ["web.4", "web.7"]


def test_at_rest_missing_copies_take_free_numbers() -> None:
    assert names(settled_copies("hello", 2, {"web": 3}, web(2))) == ["web.1", "web.2", "web.3"]


def test_at_rest_copies_of_other_releases_and_leaving_ones_count_for_nothing() -> None:
    other = make_placed(make_copy(release=1))
    leaving = make_placed(make_copy(), state=PlacementState.WITHDRAW)
    copies = settled_copies("hello", 2, {"web": 1}, [other, leaving])
    assert names(copies) == ["web.1.g2"]


def test_at_rest_a_failed_restart_is_undone() -> None:
    placed = [*web(1), make_placed(make_copy(generation=2), revision=50)]
    assert names(settled_copies("hello", 2, {"web": 1}, placed)) == ["web.1"]


def test_a_plan_survives_its_row() -> None:
    plan = for_restart("hello", 2, {"web": 2}, placed=web(1, 2), num=1)
    assert Plan.from_plain(plan.to_plain()) == plan


def test_a_plan_of_a_version_that_knew_no_stop_is_read() -> None:
    plain = for_restart("hello", 2, {"web": 2}, placed=web(1, 2)).to_plain()
    del plain["stopped"]
    assert Plan.from_plain(plain).stopped == ()
    assert Plan.from_plain({**plain, "stopped": ["web"]}).stopped == ("web",)
