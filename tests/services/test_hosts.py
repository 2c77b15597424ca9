"""Which hosts may be called, and where their names may lead."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from domain.webhooks import Target
from services.hosts import AllowedHosts, is_public

LISTED = AllowedHosts.parse("hooks.example.com, *.Example.org:8443, localhost:9000, 10.0.0.5, [::1]:9000, 127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x",
        "https://HOOKS.example.com:443/x",
        "https://a.example.org:8443/",
        "https://a.b.example.org:8443/",
        "https://10.0.0.5/",
        "https://localhost:9000/",
        "http://localhost:9000/",
        "http://127.0.0.1/",
        "http://[::1]:9000/",
    ],
)
def test_what_is_listed_may_be_called(url: str) -> None:
    assert LISTED.refusal(Target.of(url)) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://other.example.com/", "does not list other.example.com"),
        ("https://a.hooks.example.com/", "does not list"),
        ("https://hooks.example.com.evil.net/", "does not list"),
        ("https://evilexample.org:8443/", "does not list"),
        ("https://example.org:8443/", "does not list"),
        ("https://a.example.org/", "does not list"),
        ("https://hooks.example.com:8443/", "does not list hooks.example.com:8443"),
        ("https://localhost/", "does not list"),
        ("https://127.0.0.2/", "does not list"),
        ("https://[::ffff:127.0.0.1]/", "does not list"),
        ("https://[::1]/", "does not list"),
        ("http://hooks.example.com/", "write https"),
        ("http://hooks.example.com:443/", "does not list"),
        ("http://10.0.0.5/", "write https"),
    ],
)
def test_what_is_not_may_not(url: str, says: str) -> None:
    assert says in (LISTED.refusal(Target.of(url)) or "")


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%lo",
        "ff02::1",
        "2001:db8::1",
    ],
)
def test_addresses_that_only_some_can_reach(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    ("url", "address", "may"),
    [
        ("https://hooks.example.com/", "93.184.216.34", True),
        ("https://hooks.example.com/", "169.254.169.254", False),
        ("https://hooks.example.com/", "192.168.1.1", False),
        ("https://hooks.example.com/", "::ffff:10.0.0.5", False),
        # Listed itself, and for the port that is called.
        ("https://hooks.example.com/", "10.0.0.5", True),
        ("https://a.example.org:8443/", "10.0.0.5", False),
        ("https://10.0.0.5/", "10.0.0.5", True),
        ("http://localhost:9000/", "127.0.0.1", True),
        ("http://localhost:9000/", "::1", True),
        ("http://localhost:9000/", "93.184.216.34", False),
        ("http://[::1]:9000/", "::1", True),
    ],
)
def test_where_a_name_may_lead(url: str, address: str, may: bool) -> None:
    assert LISTED.may_reach(Target.of(url), ip_address(address)) is may
