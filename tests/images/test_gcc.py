"""The C++ compiler of the image: quick for what is common, lenient to what older ones took."""

from collections.abc import AsyncIterator

import pytest

from judge.compiling import Compilation, compile_sources
from judge.languages import get
from judge.problem.model import Limits
from judge.sandbox.base import Sandbox
from judge.sandbox.docker import DockerLauncher

pytestmark = [pytest.mark.docker, pytest.mark.slow]

# Only with the header without <format> is this defined before anything is included.
QUICK = """
#ifndef _GLIBCXX_CHRONO_IO_H
#error compiled the slow way
#endif
#include <bits/stdc++.h>
int main() { std::cout << std::gcd(4, 6); }
"""
NAMES_FORMAT = """
#include <bits/stdc++.h>
int main() { std::cout << std::format("{}", 5); }
"""
TARGET_PRAGMA = """
#pragma GCC optimize("O3")
#pragma GCC target("avx2")
#include <bits/stdc++.h>
int main() { std::vector<std::string> words(3); std::cout << words.size(); }
"""
LACKS_INCLUDES = """
#include <iostream>
int main() { int a[] = {2, 1}; std::sort(a, a + 2); std::cout << a[0] << INT_MAX; }
"""
LACKS_ARRAY = """
#include <iostream>
struct Buffer { std::array<char, 8> data; };
int main() { std::cout << sizeof(Buffer); }
"""
MISTAKEN = """
#include <iostream>
int main() { std::sort(undeclared); std::cout << INT_MAX; }
"""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    launcher = DockerLauncher()
    try:
        sandbox = await launcher.launch("gcc", cpu=None, index=6)
        yield sandbox
        await sandbox.close()
    finally:
        await launcher.close()


async def compiled(sandbox: Sandbox, source: str) -> Compilation:
    files = {"main.cpp": source.encode()}
    return await compile_sources(sandbox, get("cpp"), files, bounds=Limits())


@pytest.mark.parametrize(
    "source", [QUICK, NAMES_FORMAT, TARGET_PRAGMA, LACKS_INCLUDES, LACKS_ARRAY]
)
async def test_compiles(sandbox: Sandbox, source: str) -> None:
    """The quick header where it serves, the whole one where it is named or missing."""
    found = await compiled(sandbox, source)

    assert found.program is not None, found.log


async def test_a_mistake_is_told_as_the_plain_compiler_tells_it(sandbox: Sandbox) -> None:
    """No attempt leaves a trace in the log: its messages are about the player's own lines."""
    found = await compiled(sandbox, MISTAKEN)

    assert found.program is None
    assert "main.cpp:3:" in found.log
    assert found.log.count("not declared in this scope") == 2
    assert "stdc++.h" not in found.log
