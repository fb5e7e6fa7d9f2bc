"""What can go wrong between the router and its nginx."""

from deis_node.runtime.errors import DeisError


class NginxError(DeisError):
    """nginx does not start, or refuses a configuration; the sentence holds its own words."""


class AdminError(DeisError):
    """nginx does not answer over its unix socket, or not as it should."""


class OtherTable(AdminError):
    """nginx holds another table than the one that a change was made for."""
