"""Log lines on the wire: RFC 5424 messages, and Deis v1's form. PURE; framing.py counts octets.

One message of ours:

    <134>1 2026-11-23T02:16:00.123456Z host hello web.1 - [deis@32473 app="hello" process="web.1"
    stream="4f1c….9a" seq="17"] text

App and process are read from the structured data and never from the text, so that no app can
write into another's log. `stream` and `seq` number the lines of one source without a gap; the
logger drops what it has stored already. 32473 is the enterprise number for examples (RFC 5612).
Messages of foreign senders have no such element: they have no number and get no acknowledgement.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from deis_node.cluster.names import is_app_id

TEXT_LIMIT = 64 * 1024
"""Longest text of one line that is sent, in bytes; a longer one is cut and ends in `...`."""

DATAGRAM_LIMIT = 65507
"""Longest datagram, in bytes (semantics.md section 20)."""

_SD_ID = "deis@32473"
_PRI = "<134>1"  # facility local0, severity informational
_OTHER_PROCESS = "1"  # the tag of what is no app container (semantics.md section 9)

_PROCESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_STREAM = re.compile(r"[!-~]{1,128}")
_SEQ = re.compile(r"[1-9][0-9]{0,18}")
_UNPRINTABLE = re.compile(r"[^!-~]")

_NAME = rb"[!#-<>-\\^-~]{1,32}"  # printable, but no space, `=`, `]` or `"`
_VALUE = rb'[^"\\\]]*(?:\\.[^"\\\]]*)*'
_PARAM = rb" " + _NAME + rb'="' + _VALUE + rb'"'
_MESSAGE = re.compile(
    rb"<[0-9]{1,3}>1 ([!-~]{1,64}) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) [!-~]{1,32} "
    rb"(-|(?:\[" + _NAME + rb"(?:" + _PARAM + rb")*\])+)(?: (.*))?",
    re.DOTALL,
)
_CANONICAL = re.compile(
    rb"<134>1 ([!-~]{1,64}) ([!-~]{1,255}) [!-~]{1,48} [!-~]{1,128} - "
    rb'\[deis@32473 app="([a-z0-9-]{1,64})" process="([A-Za-z0-9][A-Za-z0-9_.-]{0,127})" '
    rb'stream="([!#-\[^-~]{1,128})" seq="([1-9][0-9]{0,18})"\] (.*)',
    re.DOTALL,
)
_ELEMENTS = re.compile(rb"\[(" + _NAME + rb")((?:" + _PARAM + rb")*)\]", re.DOTALL)
_PARAMS = re.compile(rb" (" + _NAME + rb')="(' + _VALUE + rb')"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')

_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|UTC|[+-][0-9]{2}:[0-9]{2})"
)
_V1 = re.compile(
    rb"(?:<[0-9]{1,3}>)?"
    rb"(?:([0-9]{4}-[0-9]{2}-[0-9]{2}T[^ \[\]]{8,30}) "
    rb"|[A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} (?:[^ \[\]]{1,255} )?)?"
    rb"([a-z0-9-]{1,64})\[([A-Za-z0-9_.-]{1,128})\]:(?: (.*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an app's log."""

    app: str
    process: str
    """`web.1`, `deis-controller`, or `1` for what is no app container."""
    time: str
    """When the line was written: RFC 3339 in UTC, `2026-11-23T02:16:00.123456Z`."""
    text: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A line with its place in a source, as it travels to the logger."""

    line: LogLine
    sender: str = "-"
    """The host that sends."""
    stream: str = ""
    """The source; unique in the cluster, the same after a reconnect. Empty: a foreign sender's."""
    seq: int = 0
    """Counts the stream's lines from 1; 0: a foreign sender's."""

    @property
    def numbered(self) -> bool:
        """Whether the frame is ours: only numbered frames are acknowledged."""
        return self.seq > 0


def encode(frame: Frame) -> bytes:
    """A frame as an RFC 5424 message, not yet counted. Lone surrogates become `?`."""
    line = frame.line
    host = _UNPRINTABLE.sub("_", frame.sender)[:255] or "-"
    head = (
        f"{_PRI} {wire_time(line.time)} {host} {_header(line.app, 48)} "
        f'{_header(line.process, 128)} - [{_SD_ID} app="{_escape(line.app)}" '
        f'process="{_escape(line.process)}" stream="{_escape(frame.stream)}" seq="{frame.seq}"] '
    )
    return head.encode("utf-8", "replace") + cut(line.text.encode("utf-8", "replace"), TEXT_LIMIT)


def decode(message: bytes, arrived: str) -> Frame | None:
    """Read one message in any form that is accepted; None when it is unreadable.

    `arrived` is the time in RFC 3339 UTC that a line gets which names none, or a senseless one.
    """
    canonical = _CANONICAL.fullmatch(message)
    if canonical is not None:
        return _own_frame(canonical, arrived)
    match = _MESSAGE.fullmatch(message)
    if match is None:
        line = decode_v1(message, arrived)
        return None if line is None else Frame(line)
    time, host, app, process, elements, text = match.groups()
    for element in _ELEMENTS.finditer(elements):
        if element[1] == _SD_ID.encode():
            return _ours(element[2], host, utc(time.decode()) or arrived, text or b"")
    line = _foreign(app, process, utc(time.decode()) or arrived, text or b"")
    return None if line is None else Frame(line, host.decode())


def decode_v1(datagram: bytes, arrived: str) -> LogLine | None:
    """Read Deis v1's form, `<time> <app>[<process>]: <text>`, with or without `<PRI>` before it.

    Only the fixed prefix decides whose line it is (v1 took the last tag it found in the text).
    """
    match = _V1.fullmatch(datagram)
    if match is None:
        return None
    time, app, process, text = match.groups()
    name = app.decode()
    if not is_app_id(name) or _PROCESS.fullmatch(process.decode()) is None:
        return None
    when = utc(time.decode("ascii", "replace")) if time else None
    return LogLine(name, process.decode(), when or arrived, _text(text or b""))


def encode_v1(line: LogLine) -> bytes:
    """A line as one datagram of Deis v1, cut to what a datagram can hold."""
    return cut(stored(line).encode("utf-8", "replace"), DATAGRAM_LIMIT)


def stored(line: LogLine) -> str:
    """A line as it is kept and shown: `2026-11-23T02:16:00UTC hello[web.1]: text`.

    A text with newlines gives several lines, each with its tag, so that none can be forged.
    """
    tag = f"{line.time[:19]}UTC {line.app}[{line.process}]: "
    return tag + line.text.replace("\n", "\n" + tag)


def utc(text: str) -> str | None:
    """A time in any zone as RFC 3339 in UTC with microseconds; None when it is none."""
    if _UTC.fullmatch(text) is not None:
        return text if _exists(text[:19]) else None
    if _ISO.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace("UTC", "Z"))
        if moment.utcoffset():
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return rfc3339(moment)


@lru_cache(maxsize=1024)
def _exists(second: str) -> bool:
    try:
        datetime.fromisoformat(second)
    except ValueError:
        return False
    return True


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as all times of lines are written, so that their texts compare."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def wire_time(time: str) -> str:
    """An RFC 3339 time in UTC with at most six digits after the point, as RFC 5424 asks."""
    return time[:26] + "Z" if len(time) > 27 else time


def cut(text: bytes, limit: int) -> bytes:
    """The text, or its beginning and `...` when it is longer than the limit, in whole letters."""
    if len(text) <= limit:
        return text
    return text[: limit - 3].decode("utf-8", "ignore").encode() + b"..."


def _own_frame(match: re.Match[bytes], arrived: str) -> Frame | None:
    """A frame exactly as `encode` writes it, read without detours: almost all are so."""
    time, host, app, process, stream, seq, text = match.groups()
    name = app.decode()
    if not is_app_id(name):
        return None
    line = LogLine(name, process.decode(), utc(time.decode()) or arrived, _text(text))
    return Frame(line, host.decode(), stream.decode(), int(seq))


def _ours(params: bytes, host: bytes, time: str, text: bytes) -> Frame | None:
    """A frame of our own structured data; None when a value is missing, double or senseless."""
    found = _PARAMS.findall(params)
    values = {name: _unescape(value) for name, value in found}
    app, process = values.get(b"app", ""), values.get(b"process", "")
    stream, seq = values.get(b"stream", ""), values.get(b"seq", "")
    sound = (
        len(values) == len(found)
        and is_app_id(app)
        and _PROCESS.fullmatch(process)
        and _STREAM.fullmatch(stream)
        and _SEQ.fullmatch(seq)
    )
    if not sound:
        return None
    return Frame(LogLine(app, process, time, _text(text)), host.decode(), stream, int(seq))


def _foreign(app: bytes, process: bytes, time: str, text: bytes) -> LogLine | None:
    """A line of a sender without our structured data: its APP-NAME must be an app's id."""
    name, tag = app.decode(), process.decode()
    if not is_app_id(name):
        return None
    if _PROCESS.fullmatch(tag) is None:
        tag = _OTHER_PROCESS
    return LogLine(name, tag, time, _text(text.removeprefix(b"\xef\xbb\xbf")))


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _header(value: str, limit: int) -> str:
    return _UNPRINTABLE.sub("_", value)[:limit] or "-"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _unescape(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text
