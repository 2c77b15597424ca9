"""A call to a URL of the caller's when an execution has ended: what is asked for, when it is tried, what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.base import Shape
from domain.chance import chance

Told = Literal["completed", "failed", "canceled", "paused"]

WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""After the first attempt, the second, and so on: the schedule that Standard Webhooks recommends, over three days."""
ATTEMPTS = len(WAITS) + 1
JITTER = 0.1
"""Each wait is longer by up to this share of itself, so that what failed together is not tried again together."""

_URL = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?:[/?][!-~]*)?", re.I | re.A)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """Whom a URL calls. `host` is a lower-case name, or an address in the one way to write it (IPv6 in brackets)."""

    scheme: str
    host: str
    port: int

    @staticmethod
    def of(url: str) -> Target:
        """Raises `ValueError` for anything that two readers could take for different hosts."""
        found = _URL.fullmatch(url)
        if found is None or "\\" in url or "#" in url:
            raise ValueError("write it as https://HOST/PATH: ASCII without spaces, user name, `\\` or `#`")
        scheme = found[1].lower()
        port = int(found[3]) if found[3] else _PORTS[scheme]
        if not 0 < port < 65_536:
            raise ValueError("a port is between 1 and 65535")
        return Target(scheme, host_of(found[2]), port)

    @property
    def has_own_port(self) -> bool:
        """Whether it is another than that of the scheme."""
        return self.port != _PORTS[self.scheme]

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}" if self.has_own_port else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether it says itself that it is this machine."""
        address = address_of(self.host)
        return self.host == "localhost" if address is None else address.is_loopback


def host_of(text: str) -> str:
    """A host's name or address as a `Target` holds it. Raises `ValueError`."""
    text = text.lower()
    if text.startswith("[") and text.endswith("]"):
        return f"[{IPv6Address(text[1:-1])}]"
    if _NUMBER.fullmatch(text.rpartition(".")[2]):
        return str(IPv4Address(text))  # what is half a number, some would read as an address and some as a name
    if len(text) > 253 or not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a host")
    return text


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a `Target`'s host is, or None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _checked(url: str) -> str:
    Target.of(url)
    return url


class Webhook(Shape):
    """Whom to call when the execution has ended, or a budget has paused it."""

    url: Annotated[str, AfterValidator(_checked)] = Field(
        max_length=2_000, description="`https`; on a host that the deployment's WEBHOOK_HOSTS lists."
    )
    events: tuple[Told, ...] = Field(
        default=("completed", "failed", "canceled"),
        min_length=1,
        description="The ends that it is called for; `paused`: also when a budget has paused the execution.",
    )

    @property
    def target(self) -> Target:
        return Target.of(self.url)


class Delivery(Shape):
    """What an orchestrator asks of `deliver`: the n-th attempt, `number` ≥ 1, to tell of the execution's end."""

    tenant: str
    execution: str
    number: int


class Attempt(Shape):
    """What came of one attempt. `status` is the answer's; without one, `error` says why there is none."""

    number: int
    time: datetime
    seconds: float
    status: int | None = None
    error: str | None = None
    next: datetime | None = None

    @property
    def is_delivered(self) -> bool:
        return self.error is None


class DeliveryState(StrEnum):
    """`waiting` for the end; `skipped`: not called for such an end; `delivering` until one of the others."""

    WAITING = "waiting"
    SKIPPED = "skipped"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


def webhook_id(execution: str, status: str) -> str:
    """The same for every attempt, so that a receiver knows what it has had already."""
    return f"{execution}-{status}"


def wait_after(execution: str, number: int, asked: float | None = None) -> timedelta | None:
    """How long to wait after the n-th attempt has failed; None: it was the last one.

    `asked` is the receiver's Retry-After, in seconds; the longer wins.
    """
    if number >= ATTEMPTS:
        return None
    own = WAITS[number - 1] * (1 + JITTER * chance("webhook", execution, number))
    return max(own, timedelta(seconds=asked or 0))
