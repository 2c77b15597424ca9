"""Which URLs can be called, and when an attempt is made again."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.webhooks import ATTEMPTS, WAITS, Target, Webhook, wait_after


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://hooks.example.com", Target("https", "hooks.example.com", 443), "hooks.example.com"),
        ("https://hooks.example.com?a=b@c", Target("https", "hooks.example.com", 443), "hooks.example.com"),
        ("HTTPS://Hooks.Example.COM:443/A/b:80", Target("https", "hooks.example.com", 443), "hooks.example.com"),
        ("http://localhost:9000/x", Target("http", "localhost", 9000), "localhost:9000"),
        ("https://10.0.0.5/x", Target("https", "10.0.0.5", 443), "10.0.0.5"),
        ("https://[0:0::1]:8443/x", Target("https", "[::1]", 8443), "[::1]:8443"),
        ("https://xn--mnchen-3ya.example/", Target("https", "xn--mnchen-3ya.example", 443), "xn--mnchen-3ya.example"),
    ],
)
def test_whom_a_url_calls(url: str, target: Target, authority: str) -> None:
    found = Webhook(url=url).target
    assert found == target
    assert found.authority == authority


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "//hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https:hooks.example.com",
        # A user name that looks like the host, and hosts that some readers see elsewhere.
        "https://hooks.example.com@evil.example/",
        "https://hooks.example.com:secret@evil.example/",  # pragma: allowlist secret
        "https://evil.example\\@hooks.example.com/",
        "https://hooks.example.com\\.evil.example/",
        "https://hooks.example.com#@evil.example/",
        "https://hooks.example.com/#fragment",
        "https://hooks.example.com%2eevil.example/",
        "https://hooks.example.com\t.evil.example/",
        "https://hooks.example.com /",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nHost: evil.example",
        "https://hooks.example.com\x00.evil.example/",
        "https://hooks。example。com/",
        "https://ⓗooks.example.com/",
        "https://hoo\u212as.example.com/",  # the sign for kelvin, whose lower case is k
        "http\u017f://hooks.example.com/",
        # Addresses in disguise.
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://1.2.3.4.5/",
        "https://127.0.0.256/",
        "https://a.0x7f/",
        "https://[::1/",
        "https://::1/",
        "https://[127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        # Names that none can have.
        "https://-a.example/",
        "https://a..example/",
        "https://.example.com/",
        "https://hooks.example.com./",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 130}example/",
        # Ports that are none.
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:/",
        "https://hooks.example.com:80:90/",
        "https://hooks.example.com:٨٠/",
        f"https://hooks.example.com/{'a' * 2_000}",
    ],
)
def test_a_url_that_could_be_misread_is_none(url: str) -> None:
    with pytest.raises(ValidationError):
        Webhook(url=url)


@given(st.text("ab.1-[]:@/?\\#%x\n 。", max_size=20) | st.text(max_size=20))
def test_whatever_follows_the_scheme_the_host_is_what_every_reader_sees(rest: str) -> None:
    try:
        target = Target.of(f"https://{rest}")
    except ValueError:
        return
    url = httpx.URL(f"https://{rest}")
    assert (url.host, url.port or 443, url.userinfo) == (target.host.strip("[]"), target.port, b"")


@pytest.mark.parametrize("events", [[], ["ended"], ["running"], "completed"])
def test_only_ends_can_be_asked_for(events: object) -> None:
    with pytest.raises(ValidationError):
        Webhook.model_validate({"url": "https://hooks.example.com", "events": events})


def test_the_schedule_is_the_recommended_one() -> None:
    minutes = [0, 5, 30, 2 * 60, 5 * 60, 10 * 60, 14 * 60, 20 * 60, 24 * 60]
    assert [wait // timedelta(minutes=1) for wait in WAITS] == minutes
    assert WAITS[0] == timedelta(seconds=5)
    assert sum(WAITS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert ATTEMPTS == 10


def test_waits_are_a_little_longer_each_by_its_own_and_always_the_same() -> None:
    for number, wait in enumerate(WAITS, start=1):
        found = {wait_after(f"execution-{n}", number) for n in range(50)}
        assert len(found) == 50
        assert all(given is not None and wait <= given <= wait * 1.1 for given in found)
        assert found == {wait_after(f"execution-{n}", number) for n in range(50)}


def test_a_longer_wait_that_is_asked_for_wins() -> None:
    assert wait_after("e", 1, 90) == timedelta(seconds=90)
    assert wait_after("e", 4, 90) == wait_after("e", 4)


def test_after_the_last_attempt_there_is_none() -> None:
    assert wait_after("e", ATTEMPTS - 1) is not None
    assert wait_after("e", ATTEMPTS, 5) is None
