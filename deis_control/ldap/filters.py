"""Search filters and what an entry says: texts of users never become syntax (RFC 4515). PURE."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ldap3.utils.conv import escape_filter_chars

from deis_control.ldap.settings import LdapKeys
from deis_control.model import Profile

Attributes = Mapping[str, Sequence[bytes]]

READ = ("mail", "givenName", "sn", "gidNumber")
"""What is read of a user beside his name."""

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+")
_MEMBERS = {
    "groupofnames": "member",
    "groupofuniquenames": "uniqueMember",
    "organizationalrole": "roleOccupant",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody whom the directory knows; what it does not say is empty."""

    dn: str
    name: str
    """As the directory spells it, whatever spelling was typed."""
    profile: Profile = Profile()
    gid: str = ""
    """Number of the primary POSIX group."""


def is_attribute(text: str) -> bool:
    """Whether the text names an attribute (RFC 4512, 1.4), as Deis v1's `filter` keys do."""
    return _ATTRIBUTE.fullmatch(text) is not None


def user_filter(keys: LdapKeys, username: str) -> str:
    """Who has this user name: `(uid=alice)`."""
    return f"({keys.user_attribute}={escape_filter_chars(username)})"


def group_filter(keys: LdapKeys, entry: Entry) -> str:
    """Which groups the entry is in: of the wanted type, and naming it as groups of it name members.

    A type that is not listed names its members in `member`, which is all that the original knew.
    """
    kind = keys.group_type.lower()
    if kind == "posixgroup":
        member = _posix(entry)
    else:
        member = f"({_MEMBERS.get(kind, 'member')}={escape_filter_chars(entry.dn)})"
    return f"(&({keys.group_attribute}={escape_filter_chars(keys.group_type)}){member})"


def entry_of(keys: LdapKeys, dn: str, attributes: Attributes) -> Entry | None:
    """What the entry says; None when its user name cannot be read."""
    name = first(attributes, keys.user_attribute)
    if not name or not dn:
        return None
    return Entry(
        dn=dn,
        name=name,
        profile=Profile(
            email=first(attributes, "mail"),
            first_name=first(attributes, "givenName"),
            last_name=first(attributes, "sn"),
        ),
        gid=first(attributes, "gidNumber"),
    )


def first(attributes: Attributes, name: str) -> str:
    """The attribute's first value; empty when there is none, or none that is text."""
    for known, values in attributes.items():
        if known.lower() == name.lower() and values:
            try:
                return values[0].decode().strip()
            except UnicodeDecodeError:
                return ""
    return ""


def _posix(entry: Entry) -> str:
    named = f"(memberUid={escape_filter_chars(entry.name)})"
    if not entry.gid:
        return named
    return f"(|{named}(gidNumber={escape_filter_chars(entry.gid)}))"
