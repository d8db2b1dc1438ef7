"""Where events may be sent: keeps a subscription from turning us on our own network.

Three things could: a name that resolves to an inside address, a name that resolves differently
the second time, and a redirect. So the address is resolved and checked at every attempt, the
connection goes to that checked address and no other, and redirects are answers like any other.
Names are resolved by the system, which also reads `0x7f.1` and `2130706433` as addresses: what is
checked is always what comes out.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx

from api.settings import Environment, Settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[list[str]]]

URL_CHARS_MAX = 2000
ADDRESSES_MAX = 8
RESOLVE_S = 5.0
# Never, whatever the settings allow: where clouds keep the keys of a machine.
METADATA: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200/32")
)
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Not public although `ipaddress` may say so: parts of IPv6 that lead into IPv4, and relays.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(each)
    for each in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "::/96",
        "fec0::/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "100.64.0.0/10",
    )
)


class RefusedTargetError(Exception):
    """A place events must not be sent to; the message names it and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checked place: which URL, and the addresses that its name stands for right now."""

    url: httpx.URL
    host: str
    port: int
    addresses: tuple[Address, ...]


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name, as the system sees them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What is allowed, and how names are resolved."""

    plain_http: bool = False
    ports: frozenset[int] | None = frozenset({443, 8443})
    networks: tuple[Network, ...] = ()
    resolve: Resolve = resolve

    def read(self, text: str) -> httpx.URL:
        """Return a URL of acceptable form; raises `RefusedTargetError`. Nothing is resolved."""
        if len(text) > URL_CHARS_MAX or not text.isascii() or not text.isprintable() or " " in text:
            raise RefusedTargetError("the URL has characters or a length it should not have")
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, ValueError) as error:
            raise RefusedTargetError("this is not a URL") from error
        schemes = {"https": 443} | ({"http": 80} if self.plain_http else {})
        if url.scheme not in schemes:
            raise RefusedTargetError(f"the URL must start with {' or '.join(schemes)}://")
        if not url.host or url.userinfo or url.fragment or "\\" in text:
            raise RefusedTargetError("the URL needs a host, and no user, password or fragment")
        port = url.port or schemes[url.scheme]
        if self.ports is not None and port not in self.ports:
            raise RefusedTargetError(f"port {port} is not one that events are sent to")
        return url

    async def check(self, text: str) -> Target:
        """Resolve and check; raises `RefusedTargetError` if any of the addresses is inside."""
        url = self.read(text)
        port = url.port or (443 if url.scheme == "https" else 80)
        host = url.raw_host.decode("ascii")
        try:
            async with asyncio.timeout(RESOLVE_S):
                found = await self.resolve(host.strip("[]"), port)
        except (OSError, UnicodeError) as error:
            raise RefusedTargetError(f"{host} has no address") from error
        addresses = list(dict.fromkeys(_address(each) for each in found))[:ADDRESSES_MAX]
        if not addresses:
            raise RefusedTargetError(f"{host} has no address")
        for each in addresses:
            if not self.allows(each):
                raise RefusedTargetError(f"{host} is at an address that is not public")
        addresses.sort(key=lambda each: each.version)
        return Target(url=url, host=host, port=port, addresses=tuple(addresses))

    def allows(self, address: Address) -> bool:
        """Tell whether events may go to an address."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if _within(address, METADATA):
            return False
        if _within(address, self.networks):
            return True
        return address.is_global and not address.is_multicast and not _within(address, _NOT_PUBLIC)


def guard_from(settings: Settings) -> Guard:
    """Return the guard of these settings; in development, this machine may be told things."""
    development = settings.environment is Environment.DEVELOPMENT
    return Guard(
        plain_http=development,
        ports=None if development else frozenset(settings.webhook_ports),
        networks=(*settings.webhook_networks, *(LOOPBACK if development else ())),
    )


def _within(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(each.version == address.version and address in each for each in networks)


def _address(text: str) -> Address:
    # A scope (`fe80::1%eth0`) belongs to link-local addresses only, and those are refused.
    try:
        return ip_address(text.partition("%")[0])
    except ValueError as error:
        raise RefusedTargetError("the name resolves to no address") from error
