"""From where a request comes, as trusted proxies and others tell it."""

import pytest

from deis_control.api.origin import client_address

TRUSTED = "10.0.0.0/8, ::1/128, nonsense"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, nonsense", "10.0.0.1"),
        ("10.0.0.1", "fe80::1%eth0", "10.0.0.1"),
        ("10.0.0.1", " , ,", "10.0.0.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_only_what_trusted_proxies_say_of_their_peer_is_believed(
    peer: str, forwarded: str, address: str
) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address
