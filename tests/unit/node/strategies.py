"""Made-up names and records."""

import dataclasses
import json
from typing import Any, get_type_hints

from hypothesis import strategies as st

from deis_node.cluster import records
from deis_node.cluster.names import CopyName
from deis_node.cluster.records import Record

apps = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
types = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,20}[A-Za-z0-9])?", fullmatch=True)
numbers = st.integers(min_value=1, max_value=10**9)
copies = st.builds(CopyName, apps, numbers, types, numbers, numbers)


def _filled(kind: Any) -> st.SearchStrategy[Any]:
    """A record with every field made up, also those that have a default."""
    hints = get_type_hints(kind)
    fields = {field.name: st.from_type(hints[field.name]) for field in dataclasses.fields(kind)}
    return st.builds(kind, **fields)


_KINDS = [
    kind
    for kind in vars(records).values()
    if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
]

filled_records: st.SearchStrategy[Record] = st.sampled_from(_KINDS).flatmap(_filled)
bare_records: st.SearchStrategy[Record] = st.sampled_from(_KINDS).flatmap(st.from_type)


def _finite(record: Record) -> bool:
    """Whether no number in it is one that JSON does not have."""
    try:
        json.dumps(json.loads(record.to_bytes()), allow_nan=False)
    except ValueError:
        return False
    return True


any_records = (filled_records | bare_records).filter(_finite)
