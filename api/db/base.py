"""What all tables share: schema, names of constraints, column types, ids and times."""

import json
import os
import time
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from pydantic_core import PydanticSerializationError, to_json
from sqlalchemy import BigInteger, DateTime, Enum, MetaData, Text, Uuid, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "codebattle"
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_ChoiceT = TypeVar("_ChoiceT", bound=StrEnum)


class Base(DeclarativeBase):
    """Base of all models."""

    metadata = MetaData(schema=SCHEMA, naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own name and form
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
        str: Text,
        int: BigInteger,
        UUID: Uuid,
    }


def new_id() -> UUID:
    """Return a UUID of version 7: unique, and rising with time so that indexes stay compact."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def is_id(name: str) -> bool:
    """Tell whether a name can be read as an id: no slug may, or it would stand for another row."""
    try:
        UUID(name)
    except ValueError:
        return False
    return True


def choice(kind: type[_ChoiceT]) -> Enum:
    """Return a text column type with a check; cheaper to extend than a PostgreSQL enum."""
    name = "".join(f"_{char.lower()}" if char.isupper() else char for char in kind.__name__)
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        name=name.lstrip("_"),
        length=32,
        values_callable=lambda members: [each.value for each in members],
    )


class Identified:
    """A table keyed by UUID."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class Timed:
    """A table that knows when its rows were made and changed (a trigger keeps `updated_at`)."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Extensible:
    """A table with room for what has no column: the column is called `metadata`."""

    extra: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, default=dict, server_default="{}"
    )


def cleaned(value: Any) -> Any:
    r"""Replace what PostgreSQL refuses in text: NUL, and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {cleaned(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(each) for each in value]
    return value


def document(value: Any) -> str:
    """Return a value as JSON that PostgreSQL takes, see `cleaned`; ids and decimals as text."""
    # It raises for half a surrogate pair; both writers leave NUL escaped.
    with suppress(PydanticSerializationError):
        written = to_json(value).decode()
        if "\\u0000" not in written:
            return written
    return json.dumps(cleaned(value), default=str)
