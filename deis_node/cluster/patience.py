"""How long a member of etcd has for an answer. PURE."""

MOST = 4
"""Times as long as usual, at most."""


class Patience:
    """Tells a member that hangs from a cluster that is slow.

    One member that is late hangs: the next one is asked. But when the next one is late as well,
    and none has answered in between, answers take longer than that: who went on from one to the
    other would never get any. Then each has longer, until answers come quickly again.
    """

    def __init__(self, usual: float, members: int) -> None:
        """`usual` is in seconds."""
        self._usual = usual
        self._enough = min(2, members)
        self._times = 1
        self._late: set[str] = set()

    @property
    def seconds(self) -> float:
        """For one try of a call."""
        return self._usual * self._times

    def missed(self, endpoint: str) -> None:
        """No answer came from there in time."""
        self._late.add(endpoint)
        if len(self._late) >= self._enough:
            self._late.clear()
            self._times = min(MOST, 2 * self._times)

    def answered(self, took: float) -> None:
        """An answer came, after so many seconds."""
        self._late.clear()
        if took < self._usual / 2:
            self._times = max(1, self._times // 2)
