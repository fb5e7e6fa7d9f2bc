"""Tells logspout which containers there are, from the runner's view of its copies."""

from deis_node.containers.copies import Changes, Copies, CopyView
from deis_node.logspout.follower import FollowedContainer
from deis_node.logspout.logspout import Logspout


class Following:
    """Hands every container's start and end from the runner to logspout."""

    def __init__(self, copies: Copies, logspout: Logspout) -> None:
        self._copies = copies
        self._logspout = logspout
        self._seen: dict[str, tuple[str, str | None]] = {}

    async def run(self) -> None:
        """Follow until cancelled."""
        changes: Changes = self._copies.subscribe()
        while True:
            for container in await changes.next():
                self._tell(container, self._copies.get(container))

    def _tell(self, container: str, view: CopyView | None) -> None:
        before = self._seen.get(container)
        if view is None or view.container_id is None:
            if before is not None:
                self._logspout.gone(self._seen.pop(container)[0])
            return
        now = (view.container_id, view.run)
        if before is not None and before[0] != view.container_id:
            self._logspout.gone(before[0])
        if before != now:
            self._seen[container] = now
            name = view.name
            followed = FollowedContainer(view.container_id, container, name.app, name.process)
            self._logspout.follow(followed)
