"""Bytes by the SHA-256 of their content: test data and whatever else is too large for a row."""

from api.blobs.base import BlobAwayError, BlobMissingError, BlobStore
from api.blobs.local import LocalBlobs

__all__ = ["BlobAwayError", "BlobMissingError", "BlobStore", "LocalBlobs"]
