"""What may be a user name, an address, a public key. PURE."""

import base64
import binascii
import hashlib
import re

from deis_control.errors import Invalid

USERNAME_LIMIT = 30
NAME_LIMIT = 30
EMAIL_LIMIT = 75
PASSWORD_LIMIT = 128
KEY_ID_LIMIT = 128
KEY_LIMIT = 64 * 1024
KEY_SHORTEST = 16
"""The original client's listing breaks at shorter texts (client.md)."""

_USERNAME = re.compile(r"[A-Za-z0-9_.@+-]+")
_EMAIL = re.compile(r"""[^\s@"(),:;<>\[\]\\]+@(?:[^\s@.]+\.)+[^\s@.]{2,}|[^\s@]+@localhost""")


def check_username(text: str) -> list[str]:
    """Messages about a user name."""
    return [] if _USERNAME.fullmatch(text) else ["Enter a valid username."]


def is_username(text: str) -> bool:
    """Whether an account could have that name."""
    return len(text) <= USERNAME_LIMIT and not check_username(text)


def check_email(text: str) -> list[str]:
    """Messages about an address that is not blank."""
    return [] if _EMAIL.fullmatch(text) else ["Enter a valid email address."]


def fingerprint(public: str) -> str:
    """MD5 of a public key's blob, colon-separated; Invalid when the text is not a key line, or
    shorter than `KEY_SHORTEST`.

    The texts are those of Python, which the original showed (api.md section 12).
    """
    try:
        blob = base64.b64decode(public.split()[1])
    except IndexError as err:
        raise Invalid({"public": ["list index out of range"]}) from err
    except (binascii.Error, ValueError) as err:
        raise Invalid({"public": ["Incorrect padding"]}) from err
    if len(public) < KEY_SHORTEST:
        text = f"Ensure this field has at least {KEY_SHORTEST} characters."
        raise Invalid({"public": [text]})
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
