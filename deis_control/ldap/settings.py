"""What must be known of the directory: Deis v1's keys, and how this process reaches it. PURE."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deis_node.runtime.settings import setting


@dataclass(frozen=True, slots=True)
class LdapSettings:
    """How the directory (LDAP) is reached; which one it is stands in etcd, as in Deis v1."""

    ca_file: Path | None = setting(
        None,
        "File with the authorities that the directory's certificate is checked against; "
        "none: the system's.",
    )
    start_tls: bool = setting(
        False, "Whether an `ldap://` endpoint must speak TLS (StartTLS) before anything is said."
    )
    timeout: int = setting(5, "Seconds that the directory has for one login, all steps together.")


@dataclass(frozen=True, slots=True)
class LdapKeys:
    """The keys below `/deis/controller/auth/ldap/` (semantics.md 14.2), as they are now."""

    endpoint: str
    """`ldap://host` or `ldaps://host`, several with spaces between them are tried in order."""
    bind_dn: str = ""
    """Whom the platform searches as; empty: anonymously."""
    bind_password: str = field(default="", repr=False)
    user_base: str = ""
    user_attribute: str = "uid"
    """The key is called `user/filter`: the attribute that holds the user name."""
    group_base: str = ""
    """Empty: no groups are mirrored."""
    group_attribute: str = "objectClass"
    """The key is called `group/filter`: the attribute whose value makes an entry a group."""
    group_type: str = "groupOfNames"
    """That value."""

    @classmethod
    def read(cls, get: Callable[[str], str]) -> "LdapKeys | None":
        """The keys as `get` has them by name (empty: not set), or None without endpoint."""
        if not get("endpoint"):
            return None
        return cls(
            endpoint=get("endpoint"),
            bind_dn=get("bind/dn"),
            bind_password=get("bind/password"),
            user_base=get("user/basedn"),
            user_attribute=get("user/filter") or "uid",
            group_base=get("group/basedn"),
            group_attribute=get("group/filter") or "objectClass",
            group_type=get("group/type") or "groupOfNames",
        )
