"""Bearer tokens: which hold, and the tricks that do not make one hold."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from pydantic import SecretStr

from api.auth import Role, Scope, bearer
from api.auth.jwks import AGAIN_S, FRESH_S, RETRY_S, STALE_S, KeySet
from api.auth.verifier import Verifier
from api.errors import UnauthenticatedError, UnavailableError
from api.settings import Environment, Settings
from tests.api.conftest import token_for

SECRET = "a secret of thirty-two characters"
RSA = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
SHORT = rsa.generate_private_key(65537, 1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
WHO = uuid4()
URL = "https://issuer.test/keys"


def settings(**changes: Any) -> Settings:
    return Settings(
        environment=Environment.PRODUCTION,
        auth_secret=SecretStr(SECRET),
        auth_issuer="platform",
        auth_audience="battles",
        **changes,
    )


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"sub": str(WHO), "iss": "platform", "aud": "battles", "exp": now + 60, "iat": now}
    merged = usual | {"roles": ["player"]} | changes
    return {name: value for name, value in merged.items() if value is not None}


def signed(secret: Any = SECRET, algorithm: str = "HS256", header: Any = None, **said: Any) -> str:
    return jwt.encode(claims(**said), secret, algorithm=algorithm, headers=header)


def forged(header: dict[str, Any], body: dict[str, Any], signature: str = "") -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part(header)}.{part(body)}.{signature}"


def test_a_token_that_holds_names_its_owner() -> None:
    """Subject, roles and scopes come from the claims; roles nobody knows are left out."""
    user = bearer.read(signed(roles=["author", "emperor"], scope="read submit x"), settings())

    assert user.id == WHO
    assert user.roles == {Role.AUTHOR}
    assert user.scopes == {Scope.READ, Scope.SUBMIT}


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ({"exp": timedelta(seconds=-10)}, True),  # within the skew forgiven
        ({"exp": timedelta(seconds=-3600)}, False),
        ({"nbf": timedelta(seconds=10)}, True),
        ({"nbf": timedelta(seconds=3600)}, False),
        ({"iat": timedelta(seconds=3600)}, False),
        ({"aud": "elsewhere"}, False),
        ({"aud": ["elsewhere", "battles"]}, True),
        ({"aud": None}, False),
        ({"iss": "stranger"}, False),
        ({"iss": None}, False),
        ({"exp": None}, False),
        ({"exp": "tomorrow"}, False),
        ({"exp": 10**30}, True),  # the issuer may, if it wants
        ({"exp": float("inf")}, False),
        ({"sub": None}, False),
        ({"sub": "root"}, False),
        ({"roles": {"game_master": True}}, True),  # holds, and gives nothing
        ({"roles": None}, True),
    ],
)
def test_claims_must_hold(said: dict[str, Any], *, holds: bool) -> None:
    """Issuer, audience, subject and times are looked at, with the skew that is forgiven."""
    now = int(time.time())
    moments = {name: each for name, each in said.items() if isinstance(each, timedelta)}
    shifted = {name: now + each.total_seconds() for name, each in moments.items()}
    token = signed(**said | shifted)
    if holds:
        assert Role.GAME_MASTER not in bearer.read(token, settings()).roles
    else:
        with pytest.raises(UnauthenticatedError):
            bearer.read(token, settings())


PUBLIC_PEM = RSA.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def confused() -> str:
    """Sign with HS256, the secret being a public key: the oldest confusion of algorithms."""
    import hashlib
    import hmac

    head = forged({"alg": "HS256", "typ": "JWT", "kid": "one"}, claims()).rstrip(".")
    made = hmac.new(PUBLIC_PEM, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(made).decode().rstrip('=')}"


ATTACKS: dict[str, Callable[[], str]] = {
    "no algorithm": lambda: forged({"alg": "none", "typ": "JWT"}, claims()),
    "no algorithm, shouted": lambda: forged({"alg": "NONE"}, claims()),
    "algorithm is a list": lambda: forged({"alg": ["HS256"]}, claims(), "x"),
    "empty signature": lambda: forged({"alg": "HS256"}, claims()),
    "cut signature": lambda: signed()[:-4],
    "wrong secret": lambda: signed("another secret of thirty-two chars"),
    "stronger sibling": lambda: signed(SECRET * 2, "HS512"),
    "asymmetric": lambda: signed(RSA, "RS256", {"kid": "one"}),
    "public key as secret": confused,
    "key named by the token": lambda: signed(OTHER, "RS256", {"jku": "https://evil.test/k"}),
    "key in the token": lambda: signed(
        OTHER, "RS256", {"jwk": json.loads(RSAAlgorithm.to_jwk(OTHER.public_key()))}
    ),
    "critical extension": lambda: signed(header={"crit": ["exp"], "exp": 1}),
    "detached": lambda: forged({"alg": "HS256", "b64": False, "crit": ["b64"]}, claims(), "x"),
    "another type": lambda: signed(header={"typ": "secevent+jwt"}),
    "kid is a path": lambda: signed(OTHER, "RS256", {"kid": "../../etc/passwd"}),
    "kid is huge": lambda: signed(OTHER, "RS256", {"kid": "k" * 5000}),
    "kid is an object": lambda: forged({"alg": "RS256", "kid": {"a": 1}}, claims(), "x"),
    "deep": lambda: "e" + "[" * 4000 + ".x.y",
    "long": lambda: signed(pad="x" * 10_000),
    "not a token": lambda: "Bearer",
    "empty": lambda: "",
    "not ASCII": lambda: "é.é.é",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_tricks_do_not_pass_with_a_secret(attack: Callable[[], str]) -> None:
    """Whatever is tried, the answer is the one 401."""
    with pytest.raises(UnauthenticatedError):
        bearer.read(attack(), settings())


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_tricks_do_not_pass_with_keys(attack: Callable[[], str]) -> None:
    """The same tricks, and HS256 at all, against a key set; nothing but the URL is fetched."""
    issuer = Issuer(jwk(RSA, "two"), jwk(EC, "three", "ES256"))

    with pytest.raises(UnauthenticatedError):
        await issuer.read(attack())
    assert set(issuer.asked) <= {URL}


def jwk(key: Any, kid: str | None, alg: str | None = None, **more: Any) -> dict[str, Any]:
    match key:
        case rsa.RSAPrivateKey():
            said = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            said = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            said = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    said.pop("key_ops", None)
    merged = said | {"kid": kid, "alg": alg} | more
    return {name: value for name, value in merged.items() if value is not None}


class Issuer:
    """Somebody who publishes keys, and our verifier of them on a clock of its own."""

    def __init__(self, *keys: dict[str, Any], **changes: Any) -> None:
        self.keys = list(keys)
        self.asked: list[str] = []
        self.status = 200
        self.content: bytes | None = None
        self.now = 1000.0
        self.settings = settings(auth_jwks_url=URL, **changes)
        self.set = KeySet(
            URL,
            self.settings.auth_algorithms,
            transport=httpx.MockTransport(self._answer),
            clock=lambda: self.now,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        content = self.content or json.dumps({"keys": self.keys}).encode()
        headers = {"Location": "https://evil.test/keys"} if self.status == 302 else {}

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        return httpx.Response(self.status, content=chunks(), headers=headers)

    async def read(self, token: str) -> Any:
        return await bearer.read_signed(token, self.set, self.settings)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")], ids=["rsa", "ec", "ed"]
)
async def test_keys_of_each_family_verify(key: Any, algorithm: str) -> None:
    """A token is checked with the key it names."""
    issuer = Issuer(jwk(OTHER, "zero"), jwk(key, "one"))

    user = await issuer.read(signed(key, algorithm, {"kid": "one"}))

    assert user.id == WHO
    assert issuer.asked == [URL]


@pytest.mark.parametrize(
    "key",
    [
        jwk(RSA, "one", use="enc"),
        jwk(RSA, "one", key_ops=["sign"]),
        jwk(RSA, "one", "RS512"),
        jwk(SHORT, "one"),
        jwk(OTHER, "one"),
        {"kty": "oct", "kid": "one", "k": base64.urlsafe_b64encode(SECRET.encode()).decode()},
        {"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"},
        {"kty": "RSA", "kid": "one"},
        {"kid": "one"},
        "one",
    ],
    ids=[
        *("encrypts", "signs", "another algorithm", "short", "another key"),
        *("secret", "weak", "empty", "nothing", "no object"),
    ],
)
async def test_keys_that_are_not_for_this_are_left_out(key: Any) -> None:
    """Keys for other uses, too short, secret or broken verify nothing, and break nothing."""
    issuer = Issuer(key, jwk(EC, "two"))

    with pytest.raises(UnauthenticatedError):
        await issuer.read(signed(RSA, "RS256", {"kid": "one"}))
    assert (await issuer.read(signed(EC, "ES256", {"kid": "two"}))).id == WHO


async def test_a_kid_for_two_keys_names_none() -> None:
    """Two keys of one name are one too many; without a name there must be only one key."""
    twice = Issuer(jwk(RSA, "one"), jwk(OTHER, "one"))
    several = Issuer(jwk(RSA, "one"), jwk(OTHER, "two"))
    single = Issuer(jwk(RSA, "one"))

    for issuer, header in ((twice, {"kid": "one"}), (several, None)):
        with pytest.raises(UnauthenticatedError):
            await issuer.read(signed(RSA, "RS256", header))
    assert (await single.read(signed(RSA, "RS256"))).id == WHO


async def test_made_up_kids_do_not_make_us_fetch() -> None:
    """An unknown kid is looked for once in a while, so that new keys are found."""
    issuer = Issuer(jwk(RSA, "one"))
    await issuer.read(signed(RSA, "RS256", {"kid": "one"}))
    for number in range(50):
        with pytest.raises(UnauthenticatedError):
            await issuer.read(signed(OTHER, "RS256", {"kid": f"no-{number}"}))
    assert len(issuer.asked) == 1

    issuer.keys.append(jwk(OTHER, "two"))
    issuer.now += AGAIN_S + 1

    assert (await issuer.read(signed(OTHER, "RS256", {"kid": "two"}))).id == WHO
    assert len(issuer.asked) == 2


async def test_a_key_taken_back_stops_holding() -> None:
    """Keys are fetched anew after a while; one that is gone then verifies nothing."""
    issuer = Issuer(jwk(RSA, "one"))
    token = signed(RSA, "RS256", {"kid": "one"})
    await issuer.read(token)
    issuer.keys = [jwk(EC, "two")]
    issuer.now += FRESH_S + 1

    with pytest.raises(UnauthenticatedError):
        await issuer.read(token)


async def test_an_issuer_that_is_down_is_forgiven_for_a_day() -> None:
    """Keys we have stay good; without any the answer is 503, not 401."""
    issuer = Issuer(jwk(RSA, "one"))
    token = signed(RSA, "RS256", {"kid": "one"})
    issuer.status = 500
    with pytest.raises(UnavailableError):
        await issuer.read(token)
    issuer.status = 200
    issuer.now += RETRY_S + 1
    await issuer.read(token)
    issuer.status = 500
    issuer.now += STALE_S - 1
    assert (await issuer.read(token)).id == WHO
    issuer.now += 2

    with pytest.raises(UnavailableError):
        await issuer.read(token)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (302, b"{}"),
        (200, b"no JSON"),
        (200, b"[]"),
        (200, b'{"keys": {}}'),
        (200, b'{"keys": [' + b"1," * 100 + b"1]}"),
        (200, b'{"keys": [], "pad": "' + b"x" * 300_000 + b'"}'),
    ],
    ids=["redirect", "text", "list", "no list", "too many", "too large"],
)
async def test_a_key_set_that_is_none_is_refused(status: int, content: bytes) -> None:
    """A redirect is not followed, and what is no key set or too large is not read."""
    issuer = Issuer()
    issuer.status, issuer.content = status, content

    with pytest.raises(UnavailableError):
        await issuer.read(signed(RSA, "RS256", {"kid": "one"}))
    assert issuer.asked == [URL]


@pytest.mark.parametrize(
    ("changes", "said", "roles"),
    [
        ({}, {"roles": "author reviewer"}, {Role.AUTHOR, Role.REVIEWER}),
        ({"auth_role_map": {"Game Master": "game_master"}}, {"roles": ["Game Master"]}, None),
        ({"auth_role_map": {"Game Master": "game_master"}}, {"roles": "Game Master"}, None),
        ({"auth_role_map": {"Admin": "game_master"}}, {"roles": ["game_master"]}, set()),
        ({"auth_roles_claim": "app.roles"}, {"app": {"roles": ["game_master"]}}, None),
        ({"auth_roles_claim": "https://x.test/roles"}, {"https://x.test/roles": "author"}, "a"),
        ({"auth_roles_claim": "app.roles"}, {"app": ["game_master"]}, set()),
        ({}, {"roles": [["game_master"], 7, None]}, set()),
    ],
)
def test_roles_are_translated(changes: dict[str, Any], said: Any, roles: Any) -> None:
    """A claim by name or path, translated by the map; with a map, only what it names counts."""
    expected = {None: {Role.GAME_MASTER}, "a": {Role.AUTHOR}}.get(
        roles if not isinstance(roles, set) else "", roles
    )

    assert bearer.read(signed(**said), settings(**changes)).roles == expected


def test_a_key_set_needs_https_and_public_key_algorithms() -> None:
    """A plain URL outside development, and HS256 among the algorithms, end the start."""
    with pytest.raises(ValueError, match="https"):
        Verifier(settings(auth_jwks_url="http://issuer.test/keys"))
    with pytest.raises(ValueError, match="HS256"):
        Verifier(settings(auth_jwks_url=URL, auth_algorithms=("HS256", "RS256")))


async def test_a_believed_token_still_ends() -> None:
    """What was verified a moment ago is believed, but not beyond its end, nor with a byte less."""
    exact = settings(auth_leeway_s=0)
    verifier = Verifier(exact)
    nowhere: Any = None
    token = token_for(exact, lifetime=timedelta(seconds=1))
    first = await verifier.user(token, nowhere)
    again = await verifier.user(token, nowhere)
    with pytest.raises(UnauthenticatedError):
        await verifier.user(token[:-2], nowhere)
    while time.time() < bearer.expiry(token):
        await asyncio.sleep(0.05)

    assert again is first
    with pytest.raises(UnauthenticatedError):
        await verifier.user(token, nowhere)
