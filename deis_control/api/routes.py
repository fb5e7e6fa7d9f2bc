"""The one table of routes: method, path, handler; who may stands beside the handler.

Paths are written with their trailing slash, which is optional unless the row says otherwise
(api.md 1.1). `{name}` parts take what `PARTS` says.
"""

from dataclasses import dataclass
from enum import StrEnum

from deis_control.api import (
    apps,
    audit,
    auth,
    builds,
    certs,
    configs,
    containers,
    database,
    description,
    domains,
    explain,
    hooks,
    hosts,
    keys,
    operations,
    perms,
    releases,
    root,
    runs,
    tokens,
    users,
)
from deis_control.api.permissions import Endpoint, Who


class Slash(StrEnum):
    """How a path ends."""

    EITHER = "either"
    AS_WRITTEN = "as written"


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    endpoint: Endpoint
    slash: Slash = Slash.EITHER

    @property
    def who(self) -> Who:
        """Who may call it, as declared beside its handler."""
        return self.endpoint.who

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths as the router takes them, with their parts' patterns."""
        full = self.path
        for name, pattern in PARTS.items():
            full = full.replace(f"{{{name}}}", f"{{{name}:{pattern}}}")
        if self.slash is Slash.AS_WRITTEN:
            return (full,)
        return (full.removesuffix("/"), full.removesuffix("/") + "/")


PARTS = {
    "app": "[a-z0-9-]+",
    "common_name": "[^/]+",
    "domain": "[^/]+",
    "host": "[a-zA-Z0-9][-_.a-zA-Z0-9]*",
    "id": "(?s:.+)",
    "num": "[-_a-zA-Z0-9]+",
    "operation": "[-a-fA-F0-9]+",
    "other": "[0-9]+",
    "type": "[-_a-zA-Z0-9.]+",
    "username": "[^/]+",
    "uuid": "[-_a-zA-Z0-9]+",
    "version": "[0-9]+",
}

_APP = "/v1/apps/{app}/"

ROUTES = (
    Route("GET", "/healthz", root.health, Slash.AS_WRITTEN),
    Route("GET", "/v1/", root.check, Slash.AS_WRITTEN),
    Route("GET", "/v1/openapi.json", description.document, Slash.AS_WRITTEN),
    Route("GET", "/v1/docs/", description.page),
    Route("POST", "/v1/auth/register/", auth.register),
    Route("POST", "/v1/auth/login/", auth.login, Slash.AS_WRITTEN),
    Route("POST", "/v1/auth/logout/", auth.logout, Slash.AS_WRITTEN),
    Route("POST", "/v1/auth/tokens/", auth.regenerate, Slash.AS_WRITTEN),
    Route("POST", "/v1/auth/passwd/", users.passwd),
    Route("DELETE", "/v1/auth/cancel/", users.cancel),
    Route("GET", "/v1/users/", users.page),
    Route("GET", "/v1/admin/perms/", users.page_of_admins),
    Route("POST", "/v1/admin/perms/", users.grant_admin),
    Route("DELETE", "/v1/admin/perms/{username}/", users.revoke_admin),
    Route("GET", "/v1/tokens/", tokens.page),
    Route("POST", "/v1/tokens/", tokens.create),
    Route("DELETE", "/v1/tokens/{uuid}/", tokens.remove),
    Route("GET", "/v1/audit/", audit.page),
    Route("GET", "/v1/hosts/", hosts.page),
    Route("POST", "/v1/hosts/rebalance/", hosts.rebalance),
    Route("GET", "/v1/hosts/{host}/", hosts.show),
    Route("GET", "/v1/hosts/{host}/copies/", hosts.copies),
    Route("PATCH", "/v1/hosts/{host}/", hosts.change),
    Route("DELETE", "/v1/hosts/{host}/", hosts.forget),
    Route("GET", "/v1/database/", database.show),
    Route("POST", "/v1/database/accept/", database.accept),
    Route("GET", "/v1/operations/{operation}/", operations.show),
    Route("POST", "/v1/operations/{operation}/cancel/", operations.cancel),
    Route("GET", "/v1/certs/", certs.page),
    Route("POST", "/v1/certs/", certs.add),
    Route("GET", "/v1/certs/{common_name}/", certs.show),
    Route("DELETE", "/v1/certs/{common_name}/", certs.remove),
    Route("GET", "/v1/keys/", keys.page),
    Route("POST", "/v1/keys/", keys.add),
    Route("GET", "/v1/keys/{id}", keys.show, Slash.AS_WRITTEN),
    Route("DELETE", "/v1/keys/{id}", keys.remove, Slash.AS_WRITTEN),
    Route("GET", "/v1/apps/", apps.page),
    Route("POST", "/v1/apps/", apps.create),
    Route("GET", _APP, apps.show),
    Route("POST", _APP, apps.update),
    Route("DELETE", _APP, apps.destroy),
    Route("GET", _APP + "logs/", apps.logs),
    Route("GET", _APP + "config/", configs.show),
    Route("POST", _APP + "config/", configs.change),
    Route("GET", _APP + "builds/", builds.page),
    Route("POST", _APP + "builds/", builds.create),
    Route("GET", _APP + "builds/{uuid}/", builds.show),
    Route("GET", _APP + "releases/", releases.page),
    Route("POST", _APP + "releases/rollback/", releases.rollback),
    Route("GET", _APP + "releases/v{version}/", releases.show),
    Route("GET", _APP + "releases/v{version}/diff/v{other}/", releases.diff),
    Route("GET", _APP + "containers/", containers.page),
    Route("POST", _APP + "containers/restart/", containers.restart),
    Route("POST", _APP + "containers/{type}/restart/", containers.restart),
    Route("POST", _APP + "containers/{type}/{num}/restart/", containers.restart),
    Route("POST", _APP + "containers/stop/", containers.stop),
    Route("POST", _APP + "containers/{type}/stop/", containers.stop),
    Route("POST", _APP + "containers/start/", containers.start),
    Route("POST", _APP + "containers/{type}/start/", containers.start),
    Route("GET", _APP + "containers/{type}/", containers.page_of_type),
    Route("GET", _APP + "containers/{type}/{num}/", containers.show),
    Route("GET", _APP + "operations/", operations.page),
    Route("POST", _APP + "run/", runs.start),
    Route("GET", _APP + "runs/", runs.page),
    Route("GET", _APP + "runs/{num}/", runs.show),
    Route("GET", _APP + "explain/", explain.show),
    Route("GET", _APP + "domains/", domains.page),
    Route("POST", _APP + "domains/", domains.add),
    Route("DELETE", _APP + "domains/{domain}/", domains.remove),
    Route("GET", _APP + "perms/", perms.show),
    Route("POST", _APP + "perms/", perms.grant),
    Route("DELETE", _APP + "perms/{username}/", perms.revoke),
    Route("POST", _APP + "scale/", containers.scale),
    Route("POST", "/v1/hooks/push/", hooks.push),
    Route("POST", "/v1/hooks/config/", hooks.config),
    Route("POST", "/v1/hooks/build/", hooks.build),
    Route("POST", "/v1/hooks/builds/", hooks.build),
)
