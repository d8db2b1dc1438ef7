"""Blobs as objects of a bucket that speaks S3, on AWS or anywhere else.

Every request carries the SHA-256 of its body under its signature, which a server has to compare:
what arrives is what was sent, on any store. What comes back is hashed on its way to the disk. A
blob is never in memory as a whole. Nothing here lists the bucket.

Needed rights: s3:GetObject, s3:PutObject, s3:DeleteObject, and s3:ListBucket only because without
it S3 answers 403 instead of 404 to a question for what is not there.
"""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from api.blobs.base import BlobAwayError, BlobMissingError, checked, copied
from api.settings import Settings
from judge.errors import EngineError

try:
    import boto3  # type: ignore[import-untyped]
    from botocore.config import Config  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
except ImportError as error:
    raise EngineError(
        "blob_store is s3, and boto3 is not installed: pip install 'codebattle[s3]'"
    ) from error

_ATTEMPTS = 3
_CONNECTIONS = 16
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_REFUSED = frozenset(
    {
        "401",
        "403",
        "AccessDenied",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
    }
)


class S3Blobs:
    """A `BlobStore` in a bucket."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._prefix = settings.s3_prefix
        self._where = f"{settings.s3_endpoint or 'S3'}, bucket {self._bucket}"
        style = "path" if settings.s3_path_style else "auto"
        key, secret = settings.s3_access_key, settings.s3_secret_key
        self._client: Any = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region,
            aws_access_key_id=key.get_secret_value() if key else None,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            config=Config(
                connect_timeout=settings.s3_connect_timeout_s,
                read_timeout=settings.s3_read_timeout_s,
                max_pool_connections=_CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                # Other stores do not know AWS's newer checksums; the signed hash they all know.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": style, "payload_signing_enabled": True},
            ),
        )

    async def put(self, source: Path | bytes) -> str:
        """Store a content durably and return its name."""
        return await asyncio.to_thread(self._put, source)

    async def fetch(self, sha256: str, target: Path) -> None:
        """Write a blob to a file, checked against its name."""
        await asyncio.to_thread(self._fetch, checked(sha256), target)

    async def has(self, sha256: str) -> bool:
        """Tell whether a blob is there."""
        return await asyncio.to_thread(self._size, checked(sha256)) is not None

    async def delete(self, sha256: str) -> None:
        """Remove a blob."""
        await asyncio.to_thread(self._delete, checked(sha256))

    async def check(self) -> None:
        """Return if the bucket is there and lets us in."""
        await asyncio.to_thread(self._check)

    def _key(self, sha256: str) -> str:
        return f"{self._prefix}{sha256[:2]}/{sha256[2:]}"

    def _put(self, source: Path | bytes) -> str:
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as opened:
            return self._send(opened)

    def _send(self, source: IO[bytes]) -> str:
        sha256 = copied(source)
        size = source.tell()
        if self._size(sha256) == size:
            return sha256
        source.seek(0)
        with self._told():
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(sha256), Body=source, ContentLength=size
            )
        return sha256

    def _fetch(self, sha256: str, target: Path) -> None:
        try:
            with self._told():
                answer = self._client.get_object(Bucket=self._bucket, Key=self._key(sha256))
                with answer["Body"] as body, target.open("wb") as out:
                    found = copied(body, out)
        except BlobAwayError:
            target.unlink(missing_ok=True)
            raise
        if found != sha256:
            target.unlink()
            raise BlobMissingError(f"blob {sha256} at {self._where} is damaged")

    def _size(self, sha256: str) -> int | None:
        try:
            with self._told():
                found = self._client.head_object(Bucket=self._bucket, Key=self._key(sha256))
        except BlobMissingError:
            return None
        return int(found["ContentLength"])

    def _delete(self, sha256: str) -> None:
        with self._told():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(sha256))

    def _check(self) -> None:
        try:
            with self._told():
                self._client.head_bucket(Bucket=self._bucket)
        except BlobMissingError as error:
            raise BlobAwayError(f"{self._where}: there is no such bucket") from error

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what boto3 raises into our two errors, which name no key and no secret."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code in _ABSENT:
                raise BlobMissingError(f"no such blob at {self._where}") from error
            said = "credentials refused" if code in _REFUSED else "refused"
            raise BlobAwayError(f"{self._where}: {said} ({code})") from error
        except BotoCoreError as error:
            # Its text may quote an address with a user in it; its name says enough.
            raise BlobAwayError(f"{self._where}: {type(error).__name__}") from error
