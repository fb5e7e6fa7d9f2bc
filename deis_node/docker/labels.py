"""The labels that every container of the platform carries.

They are how a container is found again after its agent or the Docker Engine started anew, and
what keeps one platform's hands off another's containers on the same engine.
"""

PLATFORM = "deis.platform"
"""Id of the platform (a uuid) that the container belongs to."""

APP = "deis.app"
RELEASE = "deis.release"
TYPE = "deis.type"
NUM = "deis.num"
GENERATION = "deis.generation"

SPEC = "deis.spec"
"""Hash of the body that the container was created from: a different one is another container."""

PORT = "deis.port"
"""`<host port>:<container port>` of a container that is published; absent otherwise."""

RUN = "deis.run"
"""Only of a one-off command: its uuid, so that no command is taken for an earlier one."""

ENGINE = "deis.engine"
"""Of a container that another scheduling engine than the agent makes: which one."""

PLACEMENT = "deis.placement"
"""Only of such a container: the uuid of its placement, for the engine chooses its name."""

EPOCH = "deis.epoch"
"""Only of a service of Docker Swarm: the epoch of the leader that made it."""
