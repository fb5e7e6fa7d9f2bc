"""Which of the containers that another engine makes is a copy's own."""

from deis_node.containers import adopted
from deis_node.docker import labels, marks
from deis_node.docker.model import Container, State
from tests.builders import make_placement

THEIRS = make_placement(engine="swarm")
COPY = THEIRS.copy


def make_container(name: str, state: State = State.RUNNING, created: int = 10) -> Container:
    carried = marks.labels_of(THEIRS, "p1", None)
    return Container(name, name, carried, state, "", None, None, created)


def test_a_copy_is_known_by_its_labels_when_another_engine_chose_the_name() -> None:
    carried = marks.labels_of(THEIRS, "p1", None)
    assert marks.copy_of("hello-v2-web-1-0f.1.abc", carried) == COPY
    assert carried[labels.PLACEMENT] == THEIRS.uuid


def test_a_users_image_cannot_have_a_container_taken_for_another_copys() -> None:
    carried = {**marks.labels_of(make_placement(num=2), "p1", None), labels.ENGINE: "swarm"}
    assert marks.copy_of("hello_v2.web.1", carried) is None
    assert not marks.is_adopted("hello_v2.web.2", carried)


def test_one_that_runs_goes_before_newer_ones_that_do_not() -> None:
    ready = make_container("x.1.c", State.CREATED, created=30)
    runs = make_container("x.1.b", created=20)
    ended = make_container("x.1.a", State.EXITED, created=10)
    assert adopted.ranked([ended, ready, runs]) == [runs, ready, ended]
    assert adopted.by_copy([ready, runs, ended]) == {COPY.container: runs}


def test_the_agents_own_containers_are_not_among_them() -> None:
    own = make_container(COPY.container)
    assert adopted.ranked([own]) == []
    assert adopted.by_copy([own]) == {COPY.container: own}
