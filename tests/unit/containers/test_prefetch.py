"""What an agent does about images that it shall have beforehand."""

from deis_node.cluster.records import Prefetch
from deis_node.containers.prefetch import Look, plan_look

ONE, TWO = "127.0.0.1:5000/one@sha256:1", "127.0.0.1:5000/two@sha256:2"


def test_what_is_missing_is_fetched_once_and_what_is_there_is_confirmed() -> None:
    wishes = {"/a": Prefetch(ONE), "/b": Prefetch(ONE), "/c": Prefetch(TWO)}
    assert plan_look(wishes, {TWO}, (), ()) == Look(confirm=("/c",), fetch=(ONE,))
    held = {"/c": Prefetch(TWO, held=True)}
    assert plan_look(held, {TWO}, (), ()) == Look()
    assert plan_look(held, (), (), ()) == Look(fetch=(TWO,))


def test_what_was_fetched_for_nothing_goes_unless_a_copy_came() -> None:
    assert plan_look({}, {ONE, TWO}, (), {ONE}) == Look(remove=(ONE,))
    assert plan_look({}, {ONE}, {ONE}, {ONE}) == Look()
    assert plan_look({"/a": Prefetch(ONE, held=True)}, {ONE}, (), {ONE}) == Look()
