"""What the blob store holds; the bytes themselves are not here."""

from datetime import datetime

from sqlalchemy import CheckConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from api.db.base import Base


class Blob(Base):
    """One content, named by its SHA-256."""

    __tablename__ = "blobs"
    __table_args__ = (CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),)

    sha256: Mapped[str] = mapped_column(primary_key=True)
    size_bytes: Mapped[int]
    media_type: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
