"""How settings are declared: fields of frozen dataclasses, each with its sentence. PURE."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints, overload

_T = TypeVar("_T")


@overload
def setting(default: _T, doc: str, *, secret: bool = ...) -> _T: ...


@overload
def setting(*, doc: str, secret: bool = ...) -> Any: ...


def setting(default: Any = dataclasses.MISSING, doc: str = "", *, secret: bool = False) -> Any:
    """A field of a settings dataclass: its default (none: required) and one sentence with unit.

    The value of a secret one appears in no repr, no error and no reference page.
    """
    metadata = {"doc": doc, "secret": secret}
    if isinstance(default, Mapping):
        frozen = types.MappingProxyType(dict(default))
        return dataclasses.field(default_factory=lambda: frozen, metadata=metadata, repr=not secret)
    return dataclasses.field(default=default, metadata=metadata, repr=not secret)


def section(kind: type[_T]) -> _T:
    """A field that is a section; its defaults are those of its class."""
    made: Any = dataclasses.field(default_factory=kind)
    return made  # type: ignore[no-any-return]  # a field stands in for its value


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: where it stands, and what it takes."""

    path: tuple[str, ...]
    kind: Any
    field: "dataclasses.Field[Any]"
    owner: type

    @property
    def required(self) -> bool:
        """Whether the setting has no default."""
        field = self.field
        return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING

    @property
    def name(self) -> str:
        """The dotted path, as in the file."""
        return ".".join(self.path)

    @property
    def secret(self) -> bool:
        """Whether the value may be shown nowhere."""
        return bool(self.field.metadata.get("secret"))

    def variable(self, prefix: str) -> str:
        """The name in the environment."""
        return "_".join((prefix, *self.path)).upper()


def leaves(cls: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """All settings of a class and its sections, in the order of their declaration."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        where = (*path, field.name)
        if dataclasses.is_dataclass(kind):
            yield from leaves(kind, where)
        else:
            yield Leaf(where, kind, field, cls)


def plain_kind(kind: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether None is allowed."""
    if get_origin(kind) in (Union, types.UnionType):
        inner = [arg for arg in get_args(kind) if arg is not types.NoneType]
        return inner[0], True
    return kind, False
