"""The vector index: ChromaDB, embedded below the data directory or a server by setting.

It holds nothing that PostgreSQL has not. One process opens it; at the start a process apart looks
whether it is whole and current, and if it is not, it is thrown away and made anew. What the
library raises for a server or files that are away or damaged comes out as `IndexAwayError`; what
it raises for a call that makes no sense is a mistake of ours, and comes out as it is.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

import httpx
import numpy as np

from api.logs import logger
from api.settings import Settings
from api.similarity.embedding import Vectors
from judge.errors import EngineError

# Two kinds of vectors of code, kept apart: hashed grams, and what a model makes of chunks.
CODE_TOKENS: Final = "code_embeddings.tokens"
CODE_MEANING: Final = "code_embeddings.meaning"
PROBLEMS: Final = "problem_embeddings"
# Approaches to problems; an id is that of the problem, a colon, that of the pattern.
PATTERNS: Final = "solution_patterns"
COLLECTIONS = (CODE_TOKENS, CODE_MEANING, PROBLEMS, PATTERNS)
_PROBES = 16
_PROBE_S = 120
# The library waits for a server for ever; two thousand vectors take it a second.
_ANSWER_S = 30.0
_ADD_MAX = 2000
# Exact enough that copies are not missed among vectors that are all close to each other.
_SEARCHED = 200
_AWAY = (httpx.HTTPError, httpx.InvalidURL, json.JSONDecodeError, OSError)
_log = logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a collection must hold: how many, of what model, and some of its vectors."""

    model: str
    count: int
    samples: Mapping[str, Sequence[float]]


class IndexAwayError(EngineError):
    """The index cannot be asked: its server is away, or what it holds is gone or damaged."""


@contextmanager
def _speaking(*also: type[Exception]) -> Iterator[None]:
    """Tell what the library says of an index that is away; `also` are further ways to say it."""
    from chromadb.errors import ChromaError  # noqa: PLC0415 - large, and optional

    theirs: tuple[type[Exception], ...] = (ChromaError, *_AWAY, *also)
    try:
        yield
    except theirs as error:
        raise _away(error) from error
    except Exception as error:
        # An answer of a server that it does not know the library raises as this very class.
        if type(error) is not Exception:
            raise
        raise _away(error) from error


def _away(error: Exception) -> IndexAwayError:
    said = (str(error).splitlines() or [""])[0][:200]
    return IndexAwayError(
        f"the vector index cannot be asked ({type(error).__name__}: {said}): is ChromaDB up, or"
        " what it keeps damaged? PostgreSQL has all of it"
    )


def installed() -> bool:
    """Tell whether there can be a vector index: `chromadb` is an extra."""
    return find_spec("chromadb") is not None


class VectorIndex:
    """The collections. Everything here is slow: call it from a thread, one call at a time."""

    def __init__(self, settings: Settings) -> None:
        self._place = settings.similarity_dir / "chroma"
        self._host, self._port = settings.chroma_host, settings.chroma_port
        self._client: Any = None
        self._sessions: list[Any] = []

    @property
    def remote(self) -> bool:
        """Tell whether a server holds it."""
        return bool(self._host)

    def open(self) -> None:
        """Connect."""
        import chromadb  # noqa: PLC0415 - large, and optional

        # A client that finds no server, or one that is none, says so by a `ValueError`.
        with _speaking(ValueError):
            if self._host:
                # The client to come waits for ever, and there is no setting for it.
                httpx.get(f"http://{self._host}:{self._port}/api/v2/heartbeat", timeout=_ANSWER_S)
                made: Any = chromadb.HttpClient(host=self._host, port=self._port)
                self._client = made
                # Nor does it ever close its connections.
                self._sessions = [
                    each._server._session  # noqa: SLF001
                    for each in (made, made._admin_client)  # noqa: SLF001
                ]
                for each in self._sessions:
                    each.timeout = _ANSWER_S
                return
            self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._client = chromadb.PersistentClient(path=str(self._place))

    def close(self) -> None:
        """Let go of it."""
        client, self._client = self._client, None
        for each in self._sessions:
            each.close()
        self._sessions = []
        if client is not None:
            with _speaking():
                client.close()

    def clear(self) -> None:
        """Throw all of it away; it is open and empty afterwards."""
        if self._host:
            if self._client is None:
                self.open()
            with _speaking():
                for each in self._client.list_collections():
                    if each.name in COLLECTIONS:
                        self._client.delete_collection(each.name)
            return
        self.close()
        shutil.rmtree(self._place, ignore_errors=True)
        self.open()

    def make(self, name: str, model: str) -> None:
        """Make a collection for the vectors of a model."""
        hnsw = {"space": "cosine", "ef_search": _SEARCHED, "ef_construction": _SEARCHED}
        with _speaking():
            self._client.create_collection(
                name,
                metadata={"model": model},
                configuration={"hnsw": hnsw},
                embedding_function=None,
            )

    def put(self, name: str, ids: Sequence[str], vectors: Vectors) -> None:
        """Add vectors, or replace those of the same ids."""
        with _speaking():
            collection = self._collection(name)
            for start in range(0, len(ids), _ADD_MAX):
                part = ids[start : start + _ADD_MAX]
                of = [{"of": each.partition(":")[0]} for each in part]
                collection.upsert(
                    ids=list(part),
                    embeddings=vectors[start : start + _ADD_MAX],
                    metadatas=of if name == PATTERNS else None,
                )

    def forget(self, name: str, of: str) -> None:
        """Forget the patterns of a problem."""
        with _speaking():
            self._collection(name).delete(where={"of": of})

    def near(
        self, name: str, vectors: Vectors, limit: int, *, of: str | None = None
    ) -> list[list[tuple[str, float]]]:
        """Return for each vector the ids of the closest, with their cosines.

        `of` looks among the patterns of one problem.
        """
        with _speaking():
            collection = self._collection(name)
            limit = min(limit, collection.count())
            if not limit or not len(vectors):
                return [[] for _ in vectors]
            found = collection.query(
                query_embeddings=vectors,
                n_results=limit,
                include=["distances"],
                where=None if of is None else {"of": of},
            )
        return [
            [(each, 1.0 - float(far)) for each, far in zip(ids, distances, strict=True)]
            for ids, distances in zip(found["ids"], found["distances"], strict=True)
        ]

    def count(self, name: str) -> int:
        """Return how many vectors a collection has."""
        with _speaking():
            return int(self._collection(name).count())

    async def damage(self, expected: Mapping[str, Expected]) -> str | None:
        """Return what is wrong with the index as it lies there, or None. It must not be open."""
        if not self._host and not self._place.exists():
            return "it is not there"
        asked = {name: list(each.samples)[:_PROBES] for name, each in expected.items()}
        try:
            found = await self._probed(asked)
        except (ValueError, TimeoutError) as error:
            return f"it cannot be read: {error}"
        wrong = (_wrong(name, each, found[name]) for name, each in expected.items())
        return next((each for each in wrong if each is not None), None)

    async def _probed(self, asked: Mapping[str, list[str]]) -> dict[str, Any]:
        """Look from a process apart; raises `ValueError` with its last words."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "api.similarity.probing",
            f"{self._host}:{self._port}" if self._host else str(self._place),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(_PROBE_S):
                out, said = await child.communicate(json.dumps(asked).encode())
        finally:
            if child.returncode is None:
                child.kill()
        if child.returncode != 0:
            lines = said.decode(errors="replace").strip().splitlines() or ["no word"]
            raise ValueError(f"exit {child.returncode}, {lines[-1][:200]}")
        read: dict[str, Any] = json.loads(out)
        return read

    def _collection(self, name: str) -> Any:
        return self._client.get_collection(name, embedding_function=None)


def _wrong(name: str, expected: Expected, said: Mapping[str, Any]) -> str | None:
    """Return how a collection differs from what it must hold, or None."""
    if said["metadata"].get("model") != expected.model:
        return f"{name} is of another model"
    if said["count"] != expected.count:
        return f"{name} has {said['count']} vectors of {expected.count}"
    if said["missed"]:
        return f"a search in {name} misses {said['missed']} vectors"
    for one, vector in said["vectors"].items():
        if not np.allclose(vector, expected.samples[one], atol=1e-5):
            return f"{name} has another vector of {one}"
    if len(said["vectors"]) < min(_PROBES, len(expected.samples)):
        return f"{name} lacks vectors"
    return None
