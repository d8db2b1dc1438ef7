"""What holds bytes: the spool of a run's output, the cache of programs, and the clock."""

import os
import tarfile
from pathlib import Path

import pytest

from judge.artefacts import ArtefactCache, digest
from judge.clock import ManualClock, SystemClock
from judge.sandbox.base import File
from judge.spool import Spool

FILES = [
    File(path="program", data=b"\x7fELF\0", executable=True),
    File(path="d/\u00e4 b.txt", data=b""),
]


@pytest.mark.parametrize("chunks", [[b"ab", b"c"], [b"abcdefgh"], [b"abc", b"defgh"], []])
def test_a_spool_gives_back_what_was_written(chunks: list[bytes]) -> None:
    """In memory or beyond its bound in a file, to many readers at once, and again after `clear`."""
    whole = b"".join(chunks)
    with Spool(memory_bytes_max=4) as spool:
        for _ in range(2):
            for chunk in chunks:
                spool.write(chunk)
            with spool.open() as one, spool.open() as two:
                assert one.read(1) == whole[:1]
                assert two.read() == whole
                assert one.read() == whole[1:]
            source = spool.source()
            found = source if isinstance(source, bytes) else source.read_bytes()

            assert found == whole
            assert (spool.size, spool.head(2)) == (len(whole), whole[:2])
            spool.clear()
            assert (spool.size, spool.head(9)) == (0, b"")


def test_a_large_spool_leaves_memory() -> None:
    """What programs print must not fill the worker."""
    with Spool(memory_bytes_max=4) as spool:
        spool.write(b"12345")

        assert isinstance(spool.source(), Path)


def test_the_cache_returns_what_was_stored(tmp_path: Path) -> None:
    """Names, contents and modes; another key is a miss."""
    cache = ArtefactCache(tmp_path)
    cache.store("ab12", FILES)

    assert cache.load("ab12") == FILES
    assert cache.load("ab13") is None


def test_a_damaged_entry_is_a_miss(tmp_path: Path) -> None:
    """Half a file, another format, zeros after a power cut, a link: compile again."""
    cache = ArtefactCache(tmp_path)
    for damage in (b"", b"not a tar at all" * 100, bytes(10240)):
        cache.store("ab12", FILES)
        (entry,) = tmp_path.glob("*/*.tar")
        entry.write_bytes(damage)

        assert cache.load("ab12") is None

    with tarfile.open(entry, "w") as tar:
        link = tarfile.TarInfo("program")
        link.type = tarfile.SYMTYPE
        link.linkname = "/etc/passwd"
        tar.addfile(link)

    assert cache.load("ab12") is None


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    """Entries appear whole: there is no other file beside them."""
    ArtefactCache(tmp_path).store("ab12", FILES)

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["ab12.tar"]


def test_a_place_that_cannot_be_written_only_means_no_cache(tmp_path: Path) -> None:
    """A full disk costs time, not verdicts."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    cache = ArtefactCache(blocked / "below")
    cache.store("ab12", FILES)

    assert cache.load("ab12") is None


def test_the_oldest_entries_go_first(tmp_path: Path) -> None:
    """Reading keeps an entry young."""
    cache = ArtefactCache(tmp_path, bytes_max=70_000)
    for index, name in enumerate(["aa", "bb", "cc"]):
        cache.store(name, [File(path="x", data=b"." * 15_000)])
        os.utime(tmp_path / name / f"{name}.tar", (1_000_000 + index,) * 2)
    cache.load("aa")
    cache.store("dd", [File(path="x", data=b"." * 15_000)])

    assert sorted(path.stem for path in tmp_path.glob("*/*.tar")) == ["aa", "cc", "dd"]


def test_a_digest_keeps_parts_apart() -> None:
    """Moving a byte from one part to the next is another digest; text is its UTF-8."""
    assert digest(["ab", "c"]) != digest(["a", "bc"])
    assert digest(["\u00e4"]) == digest(["\u00e4".encode()])


def test_clocks() -> None:
    """One goes by itself and never back, one only when it is moved."""
    system, manual = SystemClock(), ManualClock()
    before = system.seconds()
    manual.advance(2.5)

    assert system.seconds() >= before
    assert manual.seconds() == 2.5
