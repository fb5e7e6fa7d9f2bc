"""A request's fields → values, or all messages at once as Deis v1 gave them. PURE."""

from collections.abc import Callable, Mapping

from deis_control.errors import Invalid
from deis_control.rules import texts
from deis_control.rules.coerce import text_form

Check = Callable[[str], list[str]]
"""A value's messages; empty when it is fine."""


class Fields:
    """Reads fields one by one and remembers what is wrong; `finish` raises it."""

    def __init__(self, data: Mapping[str, object]) -> None:
        self._data = data
        self.errors: dict[str, list[str]] = {}

    def refuse(self, name: str, *messages: str) -> None:
        """Add messages to a field."""
        self.errors.setdefault(name, []).extend(messages)

    def finish(self) -> None:
        """Invalid when any field was refused."""
        if self.errors:
            raise Invalid(self.errors)

    def text(
        self,
        name: str,
        *,
        default: str | None = None,
        blank: bool = False,
        limit: int | None = None,
        check: Check | None = None,
    ) -> str:
        """A text field; with a default it may be absent. Answers `""` when it is refused."""
        if name not in self._data:
            if default is None:
                self.refuse(name, texts.REQUIRED)
            return default or ""
        messages = _text_messages(self._data[name], blank, limit, check)
        if messages:
            self.refuse(name, *messages)
            return ""
        return text_form(self._data[name])

    def optional(
        self, name: str, *, limit: int | None = None, check: Check | None = None
    ) -> str | None:
        """A text field that may be absent; None when it is."""
        if name not in self._data:
            return None
        return self.text(name, limit=limit, check=check)


def _text_messages(value: object, blank: bool, limit: int | None, check: Check | None) -> list[str]:
    if value is None:
        return [texts.NULL]
    if isinstance(value, list | Mapping):
        return [texts.NOT_TEXT]
    text = text_form(value)
    if not text.strip():
        return [] if blank and not text else [texts.BLANK]
    reason = texts.unstorable(text)
    if reason is not None:
        return [f"This field {reason}."]
    long = [texts.too_long(limit)] if limit is not None and len(text) > limit else []
    return long + (check(text) if check is not None else [])
