"""The baseline: programs of a sandbox image, compiled and run with no sandbox around them.

A `Bare` is an ordinary container of the same image, on the same CPU, with seccomp off and no
limits, in which a few lines of Python (`_DRIVER`) do `posix_spawn` and `wait4`. One request holds
all steps of a submission, so that nothing waits for us between them; times are taken inside.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import docker

from benchmarks.measuring import Sample
from judge.images import Images

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
OPTIONS = "exec,size=1g,mode=1777"
# Where gcc keeps the header that plain g++ has not got.
PRECOMPILED = "/usr/include/x86_64-linux-gnu/c++/14/bits/stdc++.h.gch"

_DRIVER = """
import json, os, shutil, time
os.chdir("/prog")
requests, answers = open("/shared/requests"), open("/shared/answers", "w")
for line in requests:
    request = json.loads(line)
    if request["fresh"]:
        for entry in os.scandir("/prog"):
            shutil.rmtree(entry) if entry.is_dir() else os.unlink(entry)
    for name, text in request["files"].items():
        open(name, "w").write(text)
    results = []
    own, begin = time.process_time(), time.perf_counter()
    for step in request["steps"]:
        path = next((p for d in step["env"]["PATH"].split(":")
                     if os.access(p := os.path.join(d, step["argv"][0]), os.X_OK)), step["argv"][0])
        actions = [(os.POSIX_SPAWN_OPEN, 0, step["stdin"], os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, step["stdout"],
                    os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)]
        at = time.perf_counter()
        pid = os.posix_spawn(path, step["argv"], step["env"], file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        results.append([time.perf_counter() - at, usage.ru_utime + usage.ru_stime, status])
    wall = time.perf_counter() - begin
    cpu = sum(result[1] for result in results) + time.process_time() - own
    answers.write(json.dumps({"wall": wall, "cpu": cpu, "steps": results}) + "\\n")
    answers.flush()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One process of a baseline; paths are the container's, where /inputs is read-only."""

    argv: Sequence[str]
    stdin: str = os.devnull
    stdout: str = "/prog/.output"
    env: Mapping[str, str] = field(default_factory=lambda: dict(ENV))


@dataclass(frozen=True, slots=True)
class BareResult:
    """What a request took in all, and each of its steps."""

    total: Sample
    steps: tuple[Sample, ...]


class Bare:
    """A container of an image in which programs run as they are; a context manager."""

    def __init__(
        self, image: str, cpu: int, *, inputs: Path | None = None, precompiled: bool = True
    ) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="codebattle-bench-"))
        for name in ("requests", "answers"):
            os.mkfifo(self._directory / name)
        # Opened for both, so that neither side waits for the other.
        self._requests = os.open(self._directory / "requests", os.O_RDWR)
        self._answers = os.fdopen(os.open(self._directory / "answers", os.O_RDWR), "rb", 0)
        self._client = docker.from_env()
        places = {"/prog": OPTIONS, "/tmp": OPTIONS}
        if not precompiled:
            places[PRECOMPILED] = "ro,size=4k"
        volumes = {str(self._directory): {"bind": "/shared", "mode": "rw"}}
        if inputs is not None:
            volumes[str(inputs)] = {"bind": "/inputs", "mode": "ro"}
        self._container: Any = self._client.containers.run(
            Images().tag(image),
            entrypoint=["python3", "-c", _DRIVER],
            environment=ENV,
            network_mode="none",
            security_opt=["seccomp=unconfined"],
            cpuset_cpus=str(cpu),
            tmpfs=places,
            volumes=volumes,
            user="0:0",
            detach=True,
            auto_remove=True,
        )

    def run(
        self, steps: Sequence[Step], *, files: Mapping[str, str] | None = None, fresh: bool = True
    ) -> BareResult:
        """Run steps one after the other; raises `RuntimeError` when one fails."""
        request = {
            "fresh": fresh,
            "files": dict(files or {}),
            "steps": [asdict(step) for step in steps],
        }
        os.write(self._requests, json.dumps(request).encode() + b"\n")
        answer = json.loads(self._answers.readline())
        for step, (_, _, status) in zip(steps, answer["steps"], strict=True):
            if status:
                raise RuntimeError(f"bare {' '.join(step.argv)}: status {status}")
        return BareResult(
            Sample(answer["wall"], answer["cpu"]),
            tuple(Sample(wall, cpu) for wall, cpu, _ in answer["steps"]),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._container.remove(force=True)
        self._client.close()
        self._answers.close()
        os.close(self._requests)
        shutil.rmtree(self._directory, ignore_errors=True)
