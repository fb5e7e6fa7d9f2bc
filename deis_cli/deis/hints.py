"""What to do next after the controller refused. PURE."""

import re

APP = re.compile(r"/v1/apps/([^/?]+)")

_LOGIN = "/v1/auth/login/"


def hint_of(status: int, path: str, url: str, text: str = "") -> str | None:
    """One line for the user; None where the messages themselves say enough."""
    found = APP.match(path)
    app = found[1] if found else None
    if status == 401:
        return f"Your login has ended or was never valid here: deis login {url}"
    if status == 403:
        return _forbidden(app)
    if status == 404:
        return _missing(app, path)
    if status == 409:
        return _conflict(path)
    if status == 429:
        return "Wait as long as the message says, then try again."
    if status == 503 and app is not None:
        return f"See what happened: deis logs -a {app}; deis operations -a {app}"
    if status >= 500:
        return "The controller has a fault or is overloaded: try again, then tell its operator."
    if "No build associated" in text:
        return "Deploy something first: git push deis master, or deis pull <image>."
    return None


def unreachable(url: str, reason: str) -> str:
    """The same for a controller that does not answer."""
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return (
            "The name may be wrong, or this machine does not know who signed the certificate; "
            "SSL_CERT_FILE may name a file of authorities. --ssl-verify=false trusts anybody."
        )
    return (
        f"Is {url} right, and can this machine reach it? `deis whoami` tells which controller "
        "you use, `deis login <controller>` changes it."
    )


def _forbidden(app: str | None) -> str:
    if app is None:
        return "Only administrators may do this; `deis perms:list --admin` names them."
    return f"The owner of {app} may let you: deis perms:create <you> -a {app}"


def _conflict(path: str) -> str:
    if path == "/v1/auth/cancel/":
        return "Give them away or destroy them: deis apps:transfer, deis apps:destroy."
    if path.startswith("/v1/operations/"):
        return "See how it ended: deis operations:info <id>"
    return "Something else is going on; see `deis operations`, then try again."


def _missing(app: str | None, path: str) -> str | None:
    if path.startswith(_LOGIN):
        return None
    if app is None:
        return "The name is not known here; the `:list` command of the same group shows all."
    rest = path.split(f"/v1/apps/{app}", 1)[1].strip("/")
    if rest.startswith(("releases/v", "domains/", "perms/")):
        group = rest.split("/", 1)[0]
        return f"`deis {group}:list -a {app}` shows what there is, `deis apps:list` your apps."
    return f"Is {app} the app you mean? `deis apps:list` shows yours; name one with -a."
