"""The saved login: which controller, who, and the token (cli.md section 1.1)."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from deis_cli.deis.errors import CliError

DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Profile:
    """One saved login."""

    username: str
    ssl_verify: bool
    controller: str
    token: str
    response_limit: int = DEFAULT_LIMIT


def path() -> Path:
    """The profile's file: `$DEIS_PROFILE_DIR` or `~/.deis`, `$DEIS_PROFILE` or `client`."""
    folder = os.environ.get("DEIS_PROFILE_DIR")
    place = Path(folder) if folder else Path.home() / ".deis"
    return place / f"{os.environ.get('DEIS_PROFILE') or 'client'}.json"


def load() -> Profile:
    """The saved login; CliError when there is none."""
    try:
        data = json.loads(path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CliError(
            "Not logged in. Use 'deis login' or 'deis register' to get started."
        ) from None
    except (OSError, ValueError) as err:
        raise CliError(f"{path()} cannot be read: {err}") from err
    limit = data.get("response_limit") or 0
    return Profile(
        username=str(data.get("username", "")),
        ssl_verify=bool(data.get("ssl_verify", True)),
        controller=str(data.get("controller", "")),
        token=str(data.get("token", "")),
        response_limit=limit if limit > 0 else DEFAULT_LIMIT,
    )


def exists() -> bool:
    """Whether a login is saved."""
    return path().exists()


def save(profile: Profile) -> None:
    """Keep a login: the folder for its owner alone, the file as well."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = target.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(asdict(profile)))
    aside.replace(target)


def with_token(profile: Profile, token: str) -> Profile:
    """The same login with another token."""
    return replace(profile, token=token)


def remove() -> None:
    """Forget the login; nothing when there is none."""
    path().unlink(missing_ok=True)
