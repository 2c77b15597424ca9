"""Whom this deployment may call: the hosts it lists, and the addresses that a name may lead to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from domain.webhooks import Target, address_of, host_of

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_AZURE_PLATFORM = IPv4Address("168.63.129.16")
"""Answers inside every Azure network, with secrets of the machine; it only looks public."""


@dataclass(frozen=True)
class Entry:
    """One host of the list; `any_below` for `*.host`, `port` None for the scheme's own."""

    host: str
    port: int | None
    any_below: bool

    @staticmethod
    def parse(text: str) -> Entry:
        """Raises `ValueError`."""
        host, port = _split(text)
        any_below = host.startswith("*.")
        try:
            name = host_of(host.removeprefix("*."))
        except ValueError:
            raise ValueError(f"{text!r} is not a host: write it as hooks.example.com, *.example.com or [::1]") from None
        if any_below and ("." not in name or address_of(name)):
            raise ValueError(f"{text!r} is too wide: `*.` goes before a name of at least two parts")
        return Entry(name, port, any_below)

    def matches(self, target: Target) -> bool:
        host = target.host.endswith(f".{self.host}") if self.any_below else target.host == self.host
        return host and (target.port == self.port if self.port else not target.has_own_port)


@dataclass(frozen=True)
class AllowedHosts:
    entries: tuple[Entry, ...]

    @staticmethod
    def parse(text: str) -> AllowedHosts:
        """Raises `ValueError` with a sentence about the first entry that cannot be used."""
        return AllowedHosts(tuple(Entry.parse(part.strip()) for part in text.split(",") if part.strip()))

    def refusal(self, target: Target) -> str | None:
        """Why it may not be called, or None when it may."""
        if not any(entry.matches(target) for entry in self.entries):
            return f"the setting WEBHOOK_HOSTS does not list {target.authority}"
        if target.scheme != "https" and not target.is_loopback:
            return "only `localhost` and loopback addresses may be called without TLS: write https"
        return None

    def may_reach(self, target: Target, address: Address) -> bool:
        """Whether the host may be called at this address. One that is not public must be listed itself.

        Whoever owns a name decides where it leads: it must not lead to what only this machine can reach.
        """
        if target.host == "localhost":
            return address.is_loopback
        host = f"[{address}]" if address.version == 6 else str(address)
        return is_public(address) or self.refusal(replace(target, host=host)) is None


def is_public(address: Address) -> bool:
    """Whether anyone on the Internet could reach it as well; also where it embeds another address."""
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = IPv4Address(address.packed[-4:])
        if embedded is not None:
            return is_public(embedded)
    return address.is_global and not address.is_multicast and address != _AZURE_PLATFORM


def _split(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{text!r} has something else than a port after its colon: write it as hooks.example.com:8443")
    return host, int(port)
