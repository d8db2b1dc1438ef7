"""What every blob store keeps to, on the disk and in a bucket alike."""

import hashlib
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.blobs import BlobMissingError, BlobStore, LocalBlobs
from api.blobs.base import CHUNK_BYTES
from api.blobs.s3 import S3Blobs
from tests.api.blobs.conftest import Bucket

CONTENT = b"what a test case holds"
NAME = hashlib.sha256(CONTENT).hexdigest()
# Buckets cost ten times what directories do, and the same code stands above both.
STORES = ("local", pytest.param("s3", marks=pytest.mark.slow))


@dataclass(frozen=True, slots=True)
class Store:
    """A store and what lies below it: `names` of all it keeps, `overwrite` to damage one."""

    blobs: BlobStore
    names: Callable[[], list[str]]
    overwrite: Callable[[str, bytes], object]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "local":
        root = tmp_path / "blobs"
        return Store(
            LocalBlobs(root),
            lambda: sorted(str(path.relative_to(root)) for path in root.glob("*/*")),
            lambda name, data: (root / name).write_bytes(data),
        )
    bucket: Bucket = request.getfixturevalue("bucket")
    return Store(
        S3Blobs(bucket.settings()),
        lambda: _listed(bucket),
        lambda name, data: bucket.client.put_object(
            Bucket=bucket.name, Key=f"blobs/{name}", Body=data
        ),
    )


def _listed(bucket: Bucket) -> list[str]:
    found = bucket.client.list_objects_v2(Bucket=bucket.name).get("Contents", [])
    return [each["Key"].removeprefix("blobs/") for each in found]


@pytest.mark.parametrize("content", [CONTENT, b"", bytes(range(256)) * 9000])
@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_what_was_put_comes_back(
    store: Store, tmp_path: Path, content: bytes, kind: str
) -> None:
    source = tmp_path / "source"
    source.write_bytes(content)
    name = await store.blobs.put(content if kind == "bytes" else source)
    await store.blobs.fetch(name, tmp_path / "target")

    assert name == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "target").read_bytes() == content
    assert await store.blobs.has(name)
    await store.blobs.check()


async def test_the_same_content_is_kept_once_and_removed_once(store: Store) -> None:
    assert not await store.blobs.has(NAME)
    assert [await store.blobs.put(CONTENT) for _ in range(2)] == [NAME, NAME]
    assert store.names() == [f"{NAME[:2]}/{NAME[2:]}"]

    await store.blobs.delete(NAME)
    await store.blobs.delete(NAME)

    assert not await store.blobs.has(NAME)


@pytest.mark.parametrize("damage", [b"what a test case holdt", b"", CONTENT + b"!"])
async def test_a_damaged_blob_is_an_error_and_no_file(
    store: Store, tmp_path: Path, damage: bytes
) -> None:
    await store.blobs.put(CONTENT)
    store.overwrite(f"{NAME[:2]}/{NAME[2:]}", damage)
    with pytest.raises(BlobMissingError, match=f"{NAME}.* is damaged"):
        await store.blobs.fetch(NAME, tmp_path / "target")

    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("name", [NAME, "../../etc/passwd", NAME.upper(), ""])
async def test_what_is_not_there_is_said(store: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(BlobMissingError):
        await store.blobs.fetch(name, tmp_path / "target")

    assert not (tmp_path / "target").exists()


@pytest.mark.slow
async def test_a_large_blob_is_never_in_memory_as_a_whole(store: Store, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 64 * CHUNK_BYTES)
    await store.blobs.put(CONTENT)
    tracemalloc.start()
    name = await store.blobs.put(source)
    await store.blobs.fetch(name, target)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert target.stat().st_size == source.stat().st_size
    assert peak < 8 * CHUNK_BYTES


async def test_what_root_stores_is_the_directory_owners(tmp_path: Path) -> None:
    """A worker that is root for the engine shares the directory with an API that is not."""
    owner = 10001 if os.geteuid() == 0 else os.geteuid()
    root = tmp_path / "blobs"
    root.mkdir()
    os.chown(root, owner, -1)
    name = await LocalBlobs(root).put(CONTENT)
    place = root / name[:2] / name[2:]

    assert [path.stat().st_uid for path in (place, place.parent)] == [owner, owner]
