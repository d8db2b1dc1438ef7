"""Finds main methods in Java class files.

The files come from a compiler that ran on a stranger's sources, so they are read as untrusted:
anything that does not add up is simply not a class with a main method.
"""

import struct
from collections.abc import Mapping

_MAGIC = 0xCAFEBABE
_PUBLIC_STATIC = 0x0001 | 0x0008
_UTF8, _LONG, _DOUBLE, _CLASS = 1, 5, 6, 7
_SIZES = {3: 4, 4: 4, _LONG: 8, _DOUBLE: 8, _CLASS: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4}
_SIZES |= {15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}


def main_classes(files: Mapping[str, bytes]) -> list[str]:
    """Return the names of classes with `public static void main(String[])`, sorted."""
    found = []
    for path, data in files.items():
        if path.endswith(".class"):
            try:
                name = _main_class(data)
            except (struct.error, IndexError, KeyError, UnicodeDecodeError):
                continue
            if name is not None:
                found.append(name)
    return sorted(found)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def u1(self) -> int:
        return self._take(">B")

    def u2(self) -> int:
        return self._take(">H")

    def u4(self) -> int:
        return self._take(">I")

    def skip(self, size: int) -> None:
        self.at += size

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return int(value)


def _main_class(data: bytes) -> str | None:
    reader = _Reader(data)
    if reader.u4() != _MAGIC:
        return None
    reader.skip(4)
    texts, classes = _constants(reader)
    reader.skip(2)
    this_class = reader.u2()
    reader.skip(2)
    reader.skip(2 * reader.u2())
    for _ in range(reader.u2()):
        _member(reader)
    for _ in range(reader.u2()):
        flags, name, kind = _member(reader)
        public_static = flags & _PUBLIC_STATIC == _PUBLIC_STATIC
        if public_static and texts[name] == b"main" and texts[kind] == b"([Ljava/lang/String;)V":
            return texts[classes[this_class]].decode().replace("/", ".")
    return None


def _constants(reader: _Reader) -> tuple[dict[int, bytes], dict[int, int]]:
    texts: dict[int, bytes] = {}
    classes: dict[int, int] = {}
    count = reader.u2()
    index = 1
    while index < count:
        tag = reader.u1()
        if tag == _UTF8:
            size = reader.u2()
            texts[index] = reader.data[reader.at : reader.at + size]
            reader.skip(size)
        elif tag == _CLASS:
            classes[index] = reader.u2()
        else:
            reader.skip(_SIZES[tag])
        # Eight-byte constants take two places in the table.
        index += 2 if tag in {_LONG, _DOUBLE} else 1
    return texts, classes


def _member(reader: _Reader) -> tuple[int, int, int]:
    flags, name, kind = reader.u2(), reader.u2(), reader.u2()
    for _ in range(reader.u2()):
        reader.skip(2)
        reader.skip(reader.u4())
    return flags, name, kind
