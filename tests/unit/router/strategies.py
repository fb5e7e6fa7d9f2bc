"""Texts that hostile users write (faults.md E.4), and records made of them."""

from typing import Any

from hypothesis import strategies as st

from deis_node.cluster.etcd import KeyValue

SIGNS = (
    *";|&$`'\"\\\n\r\0\t-/%{}#*_.:@, +=~^[]<>()",
    "--upload-pack=",
    "../",
    "%2e%2e",
    "{{x}}",
    "${VAR}",
    "\u0440",
    "\u202e",
    "\U0001f600",
    "\u212a",
    "xn--nxasmq6b",
    "victim",
    "localhost",
    "www.victim.com",
    "10.0.0.1:80",
    "::1",
    "/8",
    "l:victim",
    "app",
)

hostile = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(SIGNS), max_size=8).map("".join),
    st.text("ab-.:/0189[]", max_size=20),
)

json_values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4),
    max_leaves=12,
)


def stored(key: str, value: bytes, revision: int = 1) -> KeyValue:
    """A key as etcd tells it."""
    return KeyValue(key, value, revision, revision, 1, 0)
