"""A sentence model in a process of its own: loading one holds up whoever imports it.

`python -m api.similarity.modelling MODEL` reads lines of JSON, each a list of texts, and answers
each with a line of JSON, which tells the shape and is followed by the vectors, or says an error.
Within the service's process loading blocked the event loop for seconds at a time, longer than a
lease lasts; so a model is loaded by the child only, and only when there is something to embed.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO, Final

import numpy as np

from api.similarity import embedding
from api.similarity.embedding import SentenceModel, Vectors
from judge.errors import EngineError

# A busy machine loads torch for a minute and a half.
_ANSWER_S: Final = 600.0
_AGAIN_S: Final = 120.0
_END_S: Final = 5.0
# What multiplies matrices would take all cores, and a judge is at work beside it.
_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class ModelAwayError(EngineError):
    """The model's process ended, or never began to answer."""


class ModelProcess:
    """A model that lives in a child, which starts with the first texts and again after a while."""

    def __init__(self, model: str) -> None:
        if (reason := embedding.available(model)) is not None:
            raise EngineError(reason)
        self._model = model
        self._child: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0
        self._one_at_a_time = threading.Lock()

    @property
    def name(self) -> str:
        """Its name and version."""
        return embedding.place(self._model)[1]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a vector of length 1 for each text; raises `ModelAwayError`."""
        with self._one_at_a_time:
            if time.monotonic() < self._not_before:
                raise ModelAwayError("the model failed a moment ago; it is tried again")
            child = self._child = self._child or self._started()
            late = threading.Timer(_ANSWER_S, child.kill)
            late.start()
            try:
                return _asked(child, texts)
            except (OSError, ValueError) as error:
                self._not_before = time.monotonic() + _AGAIN_S
                self._child = None
                raise ModelAwayError(f"the model's process: {_ended(child) or error}") from error
            finally:
                late.cancel()

    def close(self) -> None:
        """End the child, also while it loads."""
        child, self._child = self._child, None
        if child is not None:
            _ended(child)

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "api.similarity.modelling", self._model],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Libraries draw progress bars there; errors come with the answers.
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,
        )


def _asked(child: subprocess.Popen[bytes], texts: Sequence[str]) -> Vectors:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(list(texts)).encode() + b"\n")
    child.stdin.flush()
    head = json.loads(child.stdout.readline())
    if "error" in head:
        raise ValueError(head["error"])
    rows, dimension = head["shape"]
    body = child.stdout.read(4 * rows * dimension)
    return np.frombuffer(body, dtype="<f4").reshape(rows, dimension)


def _ended(child: subprocess.Popen[bytes]) -> str:
    """End a child; return how it ended by itself, or nothing when it had to be told."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue  # what was not yet written is not wanted any more
    alive = child.poll() is None
    child.terminate()
    try:
        code = child.wait(_END_S)
    except subprocess.TimeoutExpired:
        child.kill()
        code = child.wait()
    return "" if alive else f"it ended with {code}"


def _answer(model: str, asked: IO[bytes], out: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    loaded: SentenceModel | None = None
    for line in asked:
        body = b""
        try:
            loaded = loaded or SentenceModel(model)
            made = loaded.embed(json.loads(line)).astype("<f4")
            head: dict[str, object] = {"shape": made.shape}
            body = made.tobytes()
        except (EngineError, ImportError, OSError, RuntimeError, ValueError) as error:
            head = {"error": f"{type(error).__name__}: {error}"[:500]}
        out.write(json.dumps(head).encode() + b"\n" + body)
        out.flush()


if __name__ == "__main__":
    # Whatever a library prints must not come between the answers.
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _answer(sys.argv[1], sys.stdin.buffer, answers)
