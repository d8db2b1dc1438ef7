"""The Docker engine is killed and started again in mid-run: judged again, never judged wrongly."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from judge.images import Images
from judge.judging import Judge, Options, Progress
from judge.problem.load import load
from judge.sandbox.docker import DockerLauncher
from judge.sandbox.pool import Pool
from judge.submission import Submission
from judge.verdicts import Verdict

from .engine import PrivateEngine
from .slots import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.docker,
    # The SDK drops a socket that finds nobody to connect to without closing it.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

PROBLEM = Path(__file__).resolve().parents[2] / "problems" / "hello"
# Right, but with time to spare in each case for an engine to die in.
SLOW = b"""
import time
time.sleep(0.5)
exec(open("/prog/right.py").read())
"""
WRONG = b"""
import time
time.sleep(0.5)
print("no greeting at all")
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[PrivateEngine]:
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        missing("a second Docker engine needs root and dockerd")
    # Short: a socket's path has to fit into 107 bytes.
    directory = Path(tempfile.mkdtemp(prefix="engine-"))
    private = PrivateEngine(directory)
    private.start()
    try:
        private.load(Images().tag("python3"))
        yield private
    finally:
        private.stop()
        gc.collect()  # those sockets hang on exceptions that refer to themselves


@pytest.mark.parametrize(
    ("main", "expected"), [(SLOW, Verdict.AC), (WRONG, Verdict.WA)], ids=["right", "wrong"]
)
async def test_the_verdict_survives(engine: PrivateEngine, main: bytes, expected: Verdict) -> None:
    """The attempt that was lost is ours to repeat; the verdict is the program's."""
    right = (PROBLEM / "submissions" / "accepted" / "greet.py").read_bytes()
    submission = Submission(
        files={"main.py": main, "right.py": right}, language="python3", entry_point="main.py"
    )
    launcher = DockerLauncher(settings=engine.settings)
    pool = Pool(launcher, [None])
    restarts: list[asyncio.Task[None]] = []

    def on_progress(progress: Progress) -> None:
        if progress.stage == "running" and not restarts:
            restarts.append(asyncio.create_task(_restart(engine)))

    try:
        judgement = await Judge(pool).judge(
            load(PROBLEM), submission, options=Options(full=True), progress=on_progress
        )
    finally:
        await asyncio.gather(*restarts)
        await pool.close()
        await launcher.close()
    assert len(restarts) == 1
    assert (expected, 2) == (judgement.verdict, judgement.attempts)


async def _restart(engine: PrivateEngine) -> None:
    await asyncio.to_thread(engine.kill)
    await asyncio.to_thread(engine.start)
