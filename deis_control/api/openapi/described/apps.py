"""Apps and what belongs to them. PURE."""

from collections.abc import Mapping

from deis_control.api import (
    apps,
    builds,
    configs,
    containers,
    domains,
    explain,
    operations,
    perms,
    releases,
    runs,
)
from deis_control.api.bodies import JSON
from deis_control.api.openapi import bodies, shapes
from deis_control.api.openapi.declaring import (
    PLAIN,
    PREFER,
    RELEASED,
    Answer,
    Described,
    Parameter,
    changing,
    gives,
    listing,
    nothing,
)
from deis_control.api.openapi.schema import flag, listed, number, text
from deis_control.api.permissions import Endpoint
from deis_control.services.logs import DEFAULT_LINES

_DESTROYED = {409: "The app is being destroyed."}
_UNKNOWN = {404: "There is no such app, or no such account."}

DESCRIBED: Mapping[Endpoint, Described] = {
    apps.page: listing(
        "List apps",
        shapes.APP,
        doc="Those that the caller may use; for superusers all.",
    ),
    apps.create: Described(
        "Create an app",
        gives(201, shapes.APP, Location=text("The app's address.")),
        bodies.NEW_APP,
        doc="Its release v1 has no build.",
    ),
    apps.show: Described("Show an app", gives(200, shapes.APP)),
    apps.update: Described(
        "Give an app away", nothing(200, "Done."), bodies.TRANSFER, refusals=_UNKNOWN
    ),
    apps.destroy: changing(
        Described("Destroy an app", nothing(204, "The app is gone, with all that belongs to it.")),
        foreseen=False,
    ),
    apps.logs: Described(
        "Read an app's log",
        {
            200: Answer("The last lines.", {PLAIN: text("Lines of text.")}),
            204: Answer("There are none, or `log_lines` is no number."),
            500: Answer(
                "The logger does not answer.",
                {PLAIN: text("Says so.", "Error accessing logs for hello")},
            ),
        },
        parameters=(
            Parameter(
                "log_lines",
                number("How many lines at most; 0 is the logger's own default.", 100, least=0)
                | {"default": DEFAULT_LINES},
            ),
        ),
    ),
    configs.show: Described("Get an app's config", gives(200, shapes.CONFIG)),
    configs.change: changing(
        Described(
            "Change an app's config",
            gives(201, shapes.CONFIG, **RELEASED),
            bodies.CONFIG_CHANGE,
            body_required=True,
            doc="Also one that changes nothing. When the app has a build, `values` also tells "
            "`DEIS_APP` and `DEIS_RELEASE`.",
        )
    ),
    builds.page: listing("List builds", shapes.BUILD),
    builds.create: changing(
        Described(
            "Deploy an image",
            gives(201, shapes.BUILD, **RELEASED),
            bodies.NEW_BUILD,
            doc="A platform's own image is refused (403), one that cannot be had is too (400).",
        )
    ),
    builds.show: Described("Show a build", gives(200, shapes.BUILD)),
    releases.page: listing("List releases", shapes.RELEASE),
    releases.show: Described("Show a release", gives(200, shapes.RELEASE)),
    releases.rollback: changing(
        Described(
            "Roll back",
            gives(201, shapes.VERSION),
            bodies.ROLLBACK,
            doc="Makes a new release with the named one's build and config.",
            refusals={404: "There is no such app, or no such release."},
        )
    ),
    releases.diff: Described(
        "Compare two releases",
        gives(200, shapes.RELEASE_DIFF),
        parameters=(Parameter("values", flag("Show config values; needs the scope `deploy`.")),),
        doc="Config values by name only, unless `values` asks for them; that is noted in the audit "
        "trail.",
        refusals={400: "`values` is neither yes nor no."},
    ),
    runs.start: Described(
        "Run a command",
        {
            200: Answer(
                "It has ended.",
                {PLAIN: text("A JSON array: exit code and output.", '[0, ""]')},
            ),
            202: Answer("It goes on; asked for by `Prefer: respond-async`.", {JSON: shapes.RUN}),
        },
        bodies.COMMAND,
        parameters=(PREFER,),
        doc="In a container of its own, with the latest release's image and config; once, whatever "
        "happens. Needs a build.",
        refusals={
            409: "The app is being destroyed.",
            503: "It could not be run, or nobody knows whether it ran: `detail` says why.",
        },
    ),
    runs.page: listing("List commands", shapes.RUN),
    runs.show: Described("Show a command and its output", gives(200, shapes.RUN_IN_FULL)),
    explain.show: Described(
        "Explain an app's copies",
        gives(200, shapes.EXPLANATION),
        parameters=(Parameter("process", text("A type, or one copy such as `web.2`.", "web")),),
    ),
    containers.stop: changing(
        Described("Stop copies", nothing(204, "They are stopped; the scale is kept."))
    ),
    containers.start: changing(
        Described("Start copies again", nothing(204, "They run at the scale that was kept."))
    ),
    containers.page: listing("List containers", shapes.CONTAINER),
    containers.page_of_type: listing("List containers of a type", shapes.CONTAINER),
    containers.show: Described("Show a container", gives(200, shapes.CONTAINER)),
    containers.restart: changing(
        Described(
            "Restart containers",
            gives(200, listed(shapes.CONTAINER, "The containers that took their place.")),
            doc="One by one: the new one serves before the old one goes. Without anything to "
            "restart the answer is an empty list.",
        )
    ),
    containers.scale: changing(
        Described(
            "Scale an app",
            nothing(204, "So many copies run."),
            bodies.SCALE,
            doc="Needs a build.",
        )
    ),
    operations.page: listing(
        "List an app's operations",
        shapes.OPERATION,
        Parameter("open", flag("Only those that have not ended.", example=True)),
        refusals={400: "`open` is neither true nor false."},
    ),
    domains.page: listing("List domains", shapes.DOMAIN),
    domains.add: Described(
        "Add a domain", gives(201, shapes.DOMAIN), bodies.NEW_DOMAIN, refusals=_DESTROYED
    ),
    domains.remove: Described("Remove a domain", nothing(204, "It leads nowhere.")),
    perms.show: Described("List who may use an app", gives(200, shapes.GRANTS)),
    perms.grant: Described(
        "Let somebody use an app",
        nothing(201, "The account may use the app."),
        bodies.WHOM,
        refusals=_UNKNOWN,
    ),
    perms.revoke: Described(
        "Let somebody use an app no more", nothing(204, "The account may not use it any more.")
    ),
}
