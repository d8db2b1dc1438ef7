"""Where events may be sent: tables of addresses and of URLs that try to get inside."""

from ipaddress import ip_address, ip_network

import pytest
from pydantic import SecretStr

from api.neighbours.guard import LOOPBACK, Guard, RefusedTargetError, guard_from
from api.settings import Environment, Settings

PUBLIC = "93.184.216.34"


def guard(*addresses: str, **changes: object) -> Guard:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return Guard(resolve=resolve, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192"),
        *("198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1"),
        *("2001::1", "2001:db8::1", "fec0::1", "192.88.99.1"),
    ],
)
async def test_inside_addresses_are_refused(address: str) -> None:
    """Also when a public one is named beside them."""
    with pytest.raises(RefusedTargetError):
        await guard(address).check("https://hook.test/")
    with pytest.raises(RefusedTargetError):
        await guard(PUBLIC, address).check("https://hook.test/")


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
async def test_public_addresses_are_allowed(address: str) -> None:
    """And they are what will be connected to."""
    target = await guard(address).check("https://hook.test/path?x=1")

    assert target.addresses == (ip_address(address),)
    assert (target.host, target.port) == ("hook.test", 443)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook.test",
        "//hook.test/",
        "http://hook.test/",
        "ftp://hook.test/",
        "file:///etc/passwd",
        "gopher://hook.test/",
        "https://",
        "https:///path",
        "https://hook.test:22/",
        "https://hook.test:80/",
        "https://hook.test:99999/",
        "https://user@hook.test/",
        "https://user:pass@hook.test/",
        "https://hook.test#@inside/",
        "https://hook.test\\@inside/",
        "https://hook.test/ x",
        "https://hook.test/\r\nHost: inside",
        "https://hook.test/\x00",
        "https://höök.test/",
        "https://ⓗook.test/",
        "https://hook.test/" + "x" * 2000,
        "https://[::1",
        "https://[v1.x]/",
        "javascript:alert(1)",
    ],
)
async def test_urls_of_the_wrong_form_are_refused(url: str) -> None:
    """Before anything is resolved."""

    async def resolve(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was resolved")

    with pytest.raises(RefusedTargetError):
        await Guard(resolve=resolve).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://0/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
async def test_the_system_reads_addresses_in_many_ways(url: str) -> None:
    """So what is checked is what it makes of them: here without a stub."""
    with pytest.raises(RefusedTargetError):
        await Guard().check(url)


@pytest.mark.parametrize("found", [[], ["nonsense"]])
async def test_a_name_without_an_address_is_refused(found: list[str]) -> None:
    """Whether the resolver says nothing or something odd."""
    with pytest.raises(RefusedTargetError):
        await guard(*found).check("https://hook.test/")


async def test_a_resolver_that_fails_is_a_refusal() -> None:
    """Not a bug."""

    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(RefusedTargetError):
        await Guard(resolve=resolve).check("https://hook.test/")


async def test_a_private_network_may_be_allowed_but_never_metadata() -> None:
    """A house of its own may tell its own services things; a cloud's keys stay out of reach."""
    allowing = {"networks": (ip_network("10.1.0.0/16"), ip_network("169.254.0.0/16"))}

    assert (await guard("10.1.2.3", **allowing).check("https://hook.test/")).addresses
    for address in ("10.2.0.1", "169.254.169.254"):
        with pytest.raises(RefusedTargetError):
            await guard(address, **allowing).check("https://hook.test/")


def test_development_may_tell_this_machine_and_production_may_not() -> None:
    """Plain HTTP, any port and loopback are for development only."""
    development = guard_from(Settings(environment=Environment.DEVELOPMENT))
    production = guard_from(
        Settings(environment=Environment.PRODUCTION, auth_secret=SecretStr("x" * 32))
    )

    assert development.plain_http
    assert development.networks == LOOPBACK
    assert (production.plain_http, production.networks) == (False, ())
    assert production.ports == frozenset({443, 8443})
    with pytest.raises(RefusedTargetError):
        production.read("http://127.0.0.1:8000/")
