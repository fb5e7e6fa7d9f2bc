"""Every route, described: one entry for each handler of the route table. PURE.

A handler without an entry fails the tests, and no API is served without its description.
"""

from collections.abc import Mapping

from deis_control.api.openapi.declaring import Described
from deis_control.api.openapi.described import accounts, apps, platform
from deis_control.api.permissions import Endpoint

DESCRIBED: Mapping[Endpoint, Described] = {
    **platform.DESCRIBED,
    **accounts.DESCRIBED,
    **apps.DESCRIBED,
}
