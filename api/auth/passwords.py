"""Passwords: argon2id, and a bound on how many are hashed at once.

One hash takes 64 MiB and tens of milliseconds on purpose. It runs in a thread, two at a time, and
a short queue before that; whoever comes later is asked to come back.
"""

import asyncio
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.errors import InvalidError, UnavailableError

CHARS_MIN = 10
CHARS_MAX = 256
AT_ONCE = 2
WAITING_MAX = 32


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Return what is stored."""
        return await self._run(password, None) or ""

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is the one stored.

        Without anything stored the answer is no, and it takes as long as if there were.
        """
        if stored is None:
            if self._nobody is None:
                self._nobody = await self.hash("nobody has this password")
            await self._run(password, self._nobody)
            return False
        return await self._run(password, stored) is not None

    def outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with weaker parameters than ours."""
        return self._hasher.check_needs_rehash(stored)

    async def _run(self, password: str, stored: str | None) -> str | None:
        """Hash, or with something stored check and return it."""
        if self._waiting >= WAITING_MAX:
            raise UnavailableError("too many people sign in at once", retry_after_s=2)
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(self._work, password, stored)
        finally:
            self._waiting -= 1

    def _work(self, password: str, stored: str | None) -> str | None:
        plain = unicodedata.normalize("NFKC", password)
        if stored is None:
            return self._hasher.hash(plain)
        try:
            self._hasher.verify(stored, plain)
        except (VerificationError, InvalidHashError):
            return None
        return stored


def acceptable(password: str, *, name: str) -> None:
    """Raise `InvalidError` for a password that is too easy."""
    folded = password.casefold()
    if not CHARS_MIN <= len(password) <= CHARS_MAX:
        raise InvalidError(f"a password has {CHARS_MIN} to {CHARS_MAX} characters")
    if len(set(password)) < 5 or folded.strip() in {name.casefold(), name.casefold() * 2}:
        raise InvalidError("the password is too easy to guess")
