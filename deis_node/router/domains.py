"""Which app has a custom domain when several name it. PURE.

The first one to name it has it for as long as it names it; then the one that named it next.
So no app can take another's domain by writing it into its own route.
"""

from collections.abc import Iterable


class Domains:
    """Domains, the apps that name them, and the one that has each."""

    def __init__(self) -> None:
        self._claims: dict[str, dict[str, None]] = {}
        self._named: dict[str, tuple[str, ...]] = {}
        self._contested: set[str] = set()

    def claim(self, app: str, domains: Iterable[str]) -> set[str]:
        """An app names these domains and no others; the other apps that this touches."""
        before = self._named.pop(app, ())
        after = tuple(dict.fromkeys(domains))
        heirs = {heir for domain in set(before) - set(after) for heir in self._leave(app, domain)}
        for domain in after:
            apps = self._claims.setdefault(domain, {})
            apps.setdefault(app)
            if len(apps) > 1:
                self._contested.add(domain)
        if after:
            self._named[app] = after
        return heirs

    def owner(self, domain: str) -> str | None:
        """The app that has the domain."""
        return next(iter(self._claims.get(domain, ())), None)

    def contested(self) -> dict[str, str]:
        """The domains that more than one app names, each with the app that has it."""
        return {domain: next(iter(self._claims[domain])) for domain in sorted(self._contested)}

    def give(self, domain: str, app: str) -> None:
        """Put an app that names a domain first in line for it, as it was before a restart."""
        if app in self._claims.get(domain, {}):
            self._claims[domain] = {app: None} | self._claims[domain]

    def _leave(self, app: str, domain: str) -> tuple[str, ...]:
        apps = self._claims[domain]
        first = next(iter(apps))
        del apps[app]
        if len(apps) < 2:
            self._contested.discard(domain)
        if not apps:
            del self._claims[domain]
        return tuple(apps)[:1] if first == app else ()
