"""Request bodies → plain values, or Invalid with all messages at once. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass

from deis_control.rules import accounts, builds, runs
from deis_control.rules.fields import Fields
from deis_control.services.accounts import Registration
from deis_control.services.builds import NewBuild
from deis_control.services.pushes import NewPush

Data = Mapping[str, object]

_HOOK_LIMIT = 255


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
        fingerprint=fields.text("fingerprint", limit=_HOOK_LIMIT),
        receive_user=fields.text("receive_user", limit=_HOOK_LIMIT),
        receive_repo=fields.text("receive_repo", limit=_HOOK_LIMIT),
        ssh_connection=fields.text("ssh_connection", limit=_HOOK_LIMIT),
        ssh_original_command=fields.text("ssh_original_command", limit=_HOOK_LIMIT),
    )
    fields.finish()
    return new
