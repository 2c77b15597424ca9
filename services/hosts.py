"""Whom this deployment may call: the hosts it lists, and the addresses that a name may lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from domain.webhooks import Target, address_of, host_of

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")
_AZURE_PLATFORM = IPv4Address("168.63.129.16")
"""Answers inside every Azure network, with secrets of the machine; it only looks public."""


@dataclass(frozen=True)
class Entry:
    """One host of the list; `any_below` for `*.host`, `port` None for the scheme's own.

    `network`: it is no host, but addresses that are not public and that the names of the list may lead to.
    """

    host: str
    port: int | None
    any_below: bool
    network: IPv4Network | IPv6Network | None = None

    @staticmethod
    def parse(text: str) -> Entry:
        """Raises `ValueError`."""
        if re.fullmatch(r"[0-9a-fA-F.:]+/[0-9]+", text):
            return Entry(text, None, False, _network(text))
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
        if self.network is not None:
            return False
        host = target.host.endswith(f".{self.host}") if self.any_below else target.host == self.host
        return host and (target.port == self.port if self.port else not target.has_own_port)


@dataclass(frozen=True)
class AllowedHosts:
    """`setting` is where they are listed. `plain_ports`: where an entry names a port, TLS is not asked for there."""

    entries: tuple[Entry, ...]
    setting: str = "WEBHOOK_HOSTS"
    plain_ports: bool = False

    @staticmethod
    def parse(text: str) -> AllowedHosts:
        """Raises `ValueError` with a sentence about the first entry that cannot be used."""
        return AllowedHosts(tuple(Entry.parse(part) for part in map(str.strip, text.split(",")) if part))

    @staticmethod
    def for_tools(text: str) -> AllowedHosts:
        """Spaces do between hosts as well. Raises `ValueError`, as `parse` does."""
        return replace(AllowedHosts.parse(",".join(text.split())), setting="TOOL_HOSTS", plain_ports=True)

    def refusal(self, target: Target) -> str | None:
        """Why it may not be called, or None when it may."""
        matching = [entry for entry in self.entries if entry.matches(target)]
        if not matching:
            return f"the setting {self.setting} does not list {target.authority}"
        if target.scheme == "https" or target.is_loopback or (self.plain_ports and any(e.port for e in matching)):
            return None
        return "only `localhost` and loopback addresses may be called without TLS: write https"

    def may_reach(self, target: Target, address: Address) -> bool:
        """Whether the host may be called at this address. One that is not public must be listed itself.

        Whoever owns a name decides where it leads: it must not lead to what only this machine can reach.
        """
        if target.host == "localhost":
            return address.is_loopback
        if is_public(address) or any(entry.network and address in entry.network for entry in self.entries):
            return True
        host = f"[{address}]" if address.version == 6 else str(address)
        return self.refusal(replace(target, host=host)) is None


def is_public(address: Address) -> bool:
    """Whether anyone on the Internet could reach it as well; also where it embeds another address."""
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            embedded = IPv4Address(address.packed[-4:])
        if embedded is not None:
            return is_public(embedded)
    return address.is_global and not address.is_multicast and address != _AZURE_PLATFORM


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a network: write it as 10.1.0.0/16") from None
    if network.is_link_local or network.is_loopback or not network.is_private:
        raise ValueError(f"{text!r} is no private network: only those need to be listed, and no others may be")
    return network


def _split(text: str) -> tuple[str, int | None]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text, None
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ValueError(f"{text!r} has something else than a port after its colon: write it as hooks.example.com:8443")
    return host, int(port)


PRIVATE = tuple(Entry.parse(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
"""Networks that nobody but their owner reaches."""
