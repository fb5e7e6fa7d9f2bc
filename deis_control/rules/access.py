"""Who may do what to an app (api.md 1.9). PURE."""

from deis_control.model import App, User


def owns(user: User, app: App) -> bool:
    """Whether the user may do everything to the app: its owner, and superusers."""
    return user.is_superuser or user.id == app.owner_id
