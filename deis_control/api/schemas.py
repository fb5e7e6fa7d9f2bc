"""Request bodies → plain values, or Invalid with all messages at once. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass

from deis_control.api import parts
from deis_control.model import AuditFilter, Scope
from deis_control.rules import accounts, builds, certs, hosts, runs, tokens
from deis_control.rules.certs import NewCertificate
from deis_control.rules.domains import DOMAIN_LIMIT
from deis_control.rules.fields import Fields
from deis_control.services.accounts import Registration
from deis_control.services.builds import NewBuild
from deis_control.services.hosts import HostChange
from deis_control.services.pushes import NewPush
from deis_control.services.tokens import NewToken
from deis_control.services.users import PasswordChange

Data = Mapping[str, object]

HOOK_LIMIT = 255


@dataclass(frozen=True, slots=True)
class Regeneration:
    """Whose token shall be replaced; neither somebody nor everybody is the caller himself."""

    username: str | None = None
    everybody: bool = False

    @property
    def others(self) -> bool:
        """Whether only a superuser may ask for it."""
        return self.everybody or self.username is not None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who pushes where."""

    user: str
    repo: str


def registration(data: Data) -> Registration:
    """Body of register."""
    fields = Fields(data)
    new = Registration(
        username=fields.text(
            "username", limit=accounts.USERNAME_LIMIT, check=accounts.check_username
        ),
        password=fields.text("password", limit=accounts.PASSWORD_LIMIT),
        email=fields.text(
            "email",
            default="",
            blank=True,
            limit=accounts.EMAIL_LIMIT,
            check=accounts.check_email,
        ),
        first_name=fields.text("first_name", default="", blank=True, limit=accounts.NAME_LIMIT),
        last_name=fields.text("last_name", default="", blank=True, limit=accounts.NAME_LIMIT),
    )
    fields.finish()
    return new


def credentials(data: Data) -> tuple[str, str]:
    """Body of login: name and password."""
    fields = Fields(data)
    pair = fields.text("username"), fields.text("password")
    fields.finish()
    return pair


def regeneration(data: Data) -> Regeneration:
    """Body of tokens; the key `all` counts whatever its value."""
    if "all" in data:
        return Regeneration(everybody=True)
    if "username" not in data:
        return Regeneration()
    fields = Fields(data)
    username = fields.text("username")
    fields.finish()
    return Regeneration(username)


def password_change(data: Data) -> PasswordChange:
    """Body of passwd."""
    fields = Fields(data)
    new = fields.text("new_password", limit=accounts.PASSWORD_LIMIT)
    current = fields.optional("password", limit=accounts.PASSWORD_LIMIT)
    who = fields.optional("username")
    fields.finish()
    return PasswordChange(new, current, who)


def username(data: Data) -> str:
    """Body of a grant: whom."""
    fields = Fields(data)
    text = fields.text("username")
    fields.finish()
    return text


def optional_username(data: Data) -> str | None:
    """Body of cancel: whose account, None for the caller's own."""
    fields = Fields(data)
    text = fields.optional("username")
    fields.finish()
    return text


def token(data: Data) -> NewToken:
    """Body of a named token."""
    fields = Fields(data)
    name = fields.text("name", limit=tokens.NAME_LIMIT, check=tokens.check_name)
    scope = fields.text("scope", check=_check_scope)
    app = fields.optional("app")
    expires = fields.optional("expires", check=tokens.check_expires)
    fields.finish()
    return NewToken(name, Scope(scope), app, expires)


def domain(data: Data) -> str:
    """Body of a domain; its own rules are `rules.domains`."""
    fields = Fields(data)
    text = fields.text("domain")
    fields.finish()
    return text


def certificate(data: Data) -> NewCertificate:
    """Body of a certificate."""
    fields = Fields(data)
    pem = fields.text("certificate", limit=certs.PEM_LIMIT)
    private = fields.text("key", limit=certs.KEY_LIMIT)
    name = fields.optional("common_name", limit=DOMAIN_LIMIT)
    fields.finish()
    return certs.read_certificate(pem, private, name)


def audit_filter(query: Mapping[str, str]) -> AuditFilter:
    """Query of the audit trail; Invalid names what cannot be."""
    return AuditFilter(
        app=parts.plain("app", query.get("app")),
        actor=parts.plain("actor", query.get("actor")),
        action=parts.plain("action", query.get("action")),
        outcome=parts.plain("outcome", query.get("outcome")),
        since=parts.moment("since", query.get("since")),
        until=parts.moment("until", query.get("until")),
    )


def _check_scope(text: str) -> list[str]:
    names = [scope.value for scope in Scope]
    return [] if text in names else [f"Enter one of {', '.join(names)}."]


def key(data: Data) -> tuple[str, str]:
    """Body of a new key: id and text."""
    fields = Fields(data)
    pair = (
        fields.text("id", limit=accounts.KEY_ID_LIMIT),
        fields.text("public", limit=accounts.KEY_LIMIT),
    )
    fields.finish()
    return pair


def app_id(data: Data) -> str | None:
    """Body of a new app: its id, None for a drawn one."""
    if "id" not in data:
        return None
    fields = Fields(data)
    text = fields.text("id")
    fields.finish()
    return text


def new_owner(data: Data) -> str | None:
    """Body of an app's update: who shall own it, None for nobody else."""
    if "owner" not in data:
        return None
    fields = Fields(data)
    text = fields.text("owner")
    fields.finish()
    return text


def build(data: Data) -> NewBuild:
    """Body of a build, also of the hook's."""
    fields = Fields(data)
    image = fields.text("image", limit=builds.IMAGE_LIMIT, check=builds.check_image)
    sha = fields.text("sha", default="", blank=True, limit=builds.SHA_LIMIT, check=builds.check_sha)
    dockerfile = fields.text("dockerfile", default="", blank=True, limit=builds.COMMAND_LIMIT)
    fields.finish()
    return NewBuild(image, sha, builds.procfile(data), dockerfile)


def command(data: Data) -> str:
    """Body of a one-off command."""
    fields = Fields(data)
    text = fields.text("command", check=runs.check_command)
    fields.finish()
    return text


def receiver(data: Data) -> Receiver:
    """Who pushes where, of every hook's body."""
    fields = Fields(data)
    found = Receiver(fields.text("receive_user"), fields.text("receive_repo"))
    fields.finish()
    return found


def push(data: Data) -> NewPush:
    """Body of the push hook."""
    fields = Fields(data)
    new = NewPush(
        sha=fields.text("sha", limit=builds.SHA_LIMIT),
        fingerprint=fields.text("fingerprint", limit=HOOK_LIMIT),
        receive_user=fields.text("receive_user", limit=HOOK_LIMIT),
        receive_repo=fields.text("receive_repo", limit=HOOK_LIMIT),
        ssh_connection=fields.text("ssh_connection", limit=HOOK_LIMIT),
        ssh_original_command=fields.text("ssh_original_command", limit=HOOK_LIMIT),
    )
    fields.finish()
    return new


def host_change(data: Data) -> HostChange:
    """Body of a host's change: fields that are not named stay."""
    fields = Fields(data)
    errors: dict[str, list[str]] = {"tags": [], "cordoned": [], "draining": []}
    tags = hosts.tags_of(data.get("tags", {}), errors["tags"])
    flags = {
        name: hosts.flag_of(data[name], errors[name])
        for name in ("cordoned", "draining")
        if name in data
    }
    for name, messages in errors.items():
        if messages:
            fields.refuse(name, *dict.fromkeys(messages))
    fields.finish()
    return HostChange(tags, flags.get("cordoned"), flags.get("draining"))
