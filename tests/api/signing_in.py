"""Accounts for tests: one made with cheap hashing, and how to sign in."""

from typing import Any

from argon2 import PasswordHasher
from fastapi import FastAPI

from api.accounts import service
from api.auth import Role
from api.wiring import Parts
from tests.api.conftest import Client

PASSWORD = "correct horse battery"
OTHER = "staple of another kind"
FAST = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


async def prepared(app: FastAPI) -> Parts:
    """Return the application's parts, with `ada` (author) signed up and cheap hashing."""
    parts: Parts = app.state.parts
    parts.passwords._hasher = FAST
    async with parts.sessions() as session:
        await service.create(
            session,
            parts.passwords,
            name="Ada",
            password=PASSWORD,
            roles=[Role.PLAYER, Role.AUTHOR],
        )
        await session.commit()
    return parts


async def login(client: Client, name: str = "ada", password: str = PASSWORD) -> Any:
    return await client.post("/v1/auth/login", json={"name": name, "password": password})


async def refreshed(client: Client, token: str) -> Any:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})
