"""Public keys of whoever issues bearer tokens, fetched and kept for a while.

A token names a key by `kid`. An unknown one makes us look again, but not more often than every
`AGAIN_S` seconds: otherwise anybody could make us fetch by sending made-up names. When the issuer
does not answer, keys that we have stay good for `STALE_S`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import jwt
from jwt import PyJWK

from api.errors import UnauthenticatedError, UnavailableError
from api.logs import logger

FRESH_S = 600.0
AGAIN_S = 30.0
RETRY_S = 5.0
STALE_S = 86_400.0
FETCH_S = 5.0
BYTES_MAX = 256 * 1024
KEYS_MAX = 50
# What an algorithm needs; "oct" is missing on purpose: a secret has no place among public keys.
FAMILIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
RSA_BITS_MIN = 2048
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key, and the algorithms it may be used with."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any  # one of cryptography's public keys


class KeySet:
    """The keys behind one URL."""

    def __init__(
        self,
        url: str,
        algorithms: tuple[str, ...],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        unknown = sorted(set(algorithms) - FAMILIES.keys())
        if unknown:
            raise ValueError(f"auth_algorithms: {', '.join(unknown)} is not for public keys")
        self.algorithms = algorithms
        self._url = url
        self._transport = transport
        self._clock = clock
        self._keys: tuple[Key, ...] = ()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> Any:
        """Return the one key a token may be checked with.

        Raises `UnauthenticatedError` when there is none, `UnavailableError` without any keys.
        """
        if self._age() >= FRESH_S:
            await self._refresh()
        found = self._find(kid, algorithm)
        if found is None and kid is not None:
            await self._refresh()
            found = self._find(kid, algorithm)
        if found is not None:
            return found
        if self._age() >= STALE_S:
            raise UnavailableError(
                "the keys of the token's issuer are not to be had", retry_after_s=RETRY_S
            )
        raise UnauthenticatedError("the token is signed with a key that is not known")

    def _find(self, kid: str | None, algorithm: str) -> Any:
        if self._age() >= STALE_S:
            return None
        fit = [each for each in self._keys if algorithm in each.algorithms]
        if kid is None:
            # Without a name there must be nothing to choose.
            return fit[0].key if len(fit) == 1 == len(self._keys) else None
        named = [each for each in fit if each.kid == kid]
        return named[0].key if len(named) == 1 else None

    def _age(self) -> float:
        return float("inf") if self._fetched_at is None else self._clock() - self._fetched_at

    async def _refresh(self) -> None:
        """Fetch, unless somebody did or tried to a moment ago; a failure keeps what we have."""
        async with self._lock:
            now = self._clock()
            wait_s = AGAIN_S if self._keys else RETRY_S
            if self._tried_at is not None and now - self._tried_at < wait_s:
                return
            self._tried_at = now
            try:
                async with asyncio.timeout(FETCH_S):
                    document = await self._fetch()
                keys = parse(document, self.algorithms)
            except (httpx.HTTPError, TimeoutError, ValueError) as error:
                _log.warning("jwks.failed", error=type(error).__name__)
                return
            self._keys, self._fetched_at = keys, now
            _log.info("jwks.fetched", keys=len(keys))

    async def _fetch(self) -> Any:
        async with (
            httpx.AsyncClient(
                transport=self._transport, follow_redirects=False, trust_env=False, timeout=FETCH_S
            ) as client,
            client.stream("GET", self._url, headers={"Accept-Encoding": "identity"}) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise ValueError(f"status {response.status_code}")
            taken = bytearray()
            async for chunk in response.aiter_raw():
                taken += chunk
                if len(taken) > BYTES_MAX:
                    raise ValueError("too large")
        return httpx.Response(200, content=bytes(taken)).json()


def parse(document: Any, allowed: tuple[str, ...]) -> tuple[Key, ...]:
    """Return the keys that may verify a signature; the others are left out without complaint."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise ValueError("not a key set")
    return tuple(key for key in (_key(each, allowed) for each in listed) if key is not None)


def _key(said: Any, allowed: tuple[str, ...]) -> Key | None:
    if not isinstance(said, dict) or not _for_signatures(said):
        return None
    family, named, usual = said.get("kty"), said.get("alg"), _usual(said)
    fit = frozenset(each for each in allowed if FAMILIES[each] == family and named in {None, each})
    # An elliptic key fits one algorithm only, that of its curve.
    if family != "RSA":
        fit &= {usual}
    if not fit:
        return None
    try:
        key = PyJWK(said, algorithm=usual).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if family == "RSA" and key.key_size < RSA_BITS_MIN:
        return None
    return Key(kid=said.get("kid"), algorithms=fit, key=key)


def _for_signatures(said: Mapping[str, Any]) -> bool:
    operations = said.get("key_ops", ["verify"])
    return (
        said.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and isinstance(said.get("kid"), str | None)
        and isinstance(said.get("alg"), str | None)
        and "d" not in said
    )


def _usual(said: Mapping[str, Any]) -> str:
    curves = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
    match said.get("kty"):
        case "EC":
            return curves.get(str(said.get("crv")), "")
        case "OKP":
            return "EdDSA"
        case _:
            return "RS256"
