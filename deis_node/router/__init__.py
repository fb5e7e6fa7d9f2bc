"""The router: HTTP from anywhere to the copies of the apps, by nginx.

Routes and endpoints are data: rows in a shared dictionary of nginx, fed over a unix socket and
read by the Lua code in `lua/`. nginx' own configuration is static and changes with a platform
setting only. `loop.py` holds the parts together.
"""
