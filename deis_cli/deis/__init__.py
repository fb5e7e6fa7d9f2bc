"""`deis`: the developer's command line; a client of the controller's HTTP API.

Imports nothing of the other packages, and nothing heavy before a command needs it.
"""

API_VERSION = "1.7"
VERSION = "1.13.4"
"""What `deis version` prints: the version of the command line that this one replaces."""
