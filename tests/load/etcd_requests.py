"""What etcd's members were asked, by kind, from their own metrics."""

import re
import urllib.request
from collections import Counter
from collections.abc import Sequence

_LINE = re.compile(r"(?P<name>[a-z_]+)\{(?P<labels>[^}]*)\} (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_UNARY = "grpc_server_handled_total"
_STREAM = "grpc_server_msg_received_total"
_STREAMS = ("LeaseKeepAlive", "Watch")
"""Streams are never handled to their end: each message that came in is a request."""
KEEPALIVE = "LeaseKeepAlive"
WATCH = "Watch"
"""One for each watch that is opened, anew after silence too."""
READS = frozenset({"Range"})


def requests(urls: Sequence[str]) -> Counter[str]:
    """Requests so far, by kind, of all members together.

    The JSON gateway asks its own member by gRPC, so each of its requests counts once; what members
    say to each other does not count.
    """
    found: Counter[str] = Counter()
    for url in urls:
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            found += _parsed(answer.read().decode())
    return found


def _parsed(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match["name"] not in (_UNARY, _STREAM):
            continue
        labels = dict(_LABEL.findall(match["labels"]))
        if not labels.get("grpc_service", "").startswith("etcdserverpb."):
            continue
        kind = labels["grpc_method"]
        wanted = _STREAM if kind in _STREAMS else _UNARY
        if match["name"] == wanted:
            found[kind] += int(float(match["value"]))
    return found
