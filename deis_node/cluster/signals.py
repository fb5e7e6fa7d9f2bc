"""Level-triggered signals: "something is new, look again"."""

import asyncio

Signal = asyncio.Event
"""Set when there is something new; its one owner clears it and looks."""


class Signals:
    """The signals of all who want to know of one thing's changes."""

    def __init__(self) -> None:
        self._signals: list[Signal] = []

    def subscribe(self) -> Signal:
        """A signal of one's own; it is set from the start, because nobody has looked yet."""
        signal = Signal()
        signal.set()
        self._signals.append(signal)
        return signal

    def unsubscribe(self, signal: Signal) -> None:
        """Give a signal back; it will not be set again."""
        self._signals.remove(signal)

    def tell(self) -> None:
        """Set them all."""
        for signal in self._signals:
            signal.set()
