"""The control plane: the HTTP API, the scheduler, the builder and the logger.

Of the agent it imports only `deis_node.cluster`, `deis_node.runtime` and `deis_node.docker`.
"""

API_VERSION = "1.7"
"""The version of the HTTP API that is spoken (contract api.md 1.2)."""

PLATFORM_VERSION = "1.13.4"
"""The platform version that clients of Deis v1 expect to read (contract api.md 1.2)."""
