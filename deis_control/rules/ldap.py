"""What an account takes over from the operator's directory (LDAP). PURE."""

from deis_control.model import Profile, User
from deis_control.rules.accounts import EMAIL_LIMIT, NAME_LIMIT, check_email
from deis_control.rules.texts import unstorable


def profile_of(user: User, said: Profile) -> Profile:
    """The account's new profile: what the directory says where it says something fit to keep.

    Names are cut to their length; groups are those of the directory, whatever the account had.
    """
    email = said.email if _fit(said.email) and not check_email(said.email) else ""
    return Profile(
        email=email if 0 < len(email) <= EMAIL_LIMIT else user.email,
        first_name=_name(said.first_name) or user.first_name,
        last_name=_name(said.last_name) or user.last_name,
        groups=tuple(sorted({group for group in said.groups if group and _fit(group)})),
    )


def _name(text: str) -> str:
    return text[:NAME_LIMIT].strip() if _fit(text) else ""


def _fit(text: str) -> bool:
    return unstorable(text) is None
