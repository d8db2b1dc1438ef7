"""Making accounts; passwords are kept as argon2 hashes."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from argon2 import PasswordHasher
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import Role
from api.db.base import new_id
from api.db.models import Account

_HASHER = PasswordHasher()


async def ensure(session: AsyncSession, *, name: str, password: str, roles: Iterable[Role]) -> UUID:
    """Make an account, or set the password and roles of one that is there."""
    hashed = await asyncio.to_thread(_HASHER.hash, password)
    row = await session.scalar(select(Account).where(func.lower(Account.name) == name.lower()))
    if row is None:
        row = Account(id=new_id(), name=name, password_hash=hashed, roles=[])
        session.add(row)
    row.password_hash = hashed
    row.roles = sorted(roles)
    await session.flush()
    return row.id
