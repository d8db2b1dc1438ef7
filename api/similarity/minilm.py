"""The packaged sentence model without torch: six layers of BERT are a few products of matrices.

torch and what it brings are some gigabytes for one model of 90 MB, too much for an image that
mostly judges; numpy and the tokenizer that ChromaDB brings are there anyway. The vectors are those
of sentence-transformers to the precision of the arithmetic, so they mix.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf  # type: ignore[import-untyped]
from tokenizers import Tokenizer

from judge.errors import EngineError

Reals = NDArray[np.float32]
_HEAD_BYTES = 8
_HEAD_BYTES_MAX = 1 << 20


class MiniLM:
    """A model in the directory of a package: its weights, its tokenizer, its sizes."""

    def __init__(self, directory: str, tokens_max: int) -> None:
        config = json.loads((Path(directory) / "config.json").read_text())
        if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu":
            raise EngineError("the packaged model is of another kind than BERT with GELU")
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])
        self._epsilon = float(config["layer_norm_eps"])
        self._weights = _read(Path(directory) / "model.safetensors")
        self._tokenizer: Any = Tokenizer.from_file(str(Path(directory) / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(tokens_max)

    def encode(self, texts: Sequence[str]) -> Reals:
        """Return a vector of length 1 for each text."""
        # One after the other: without padding nothing is computed in vain.
        made = [self._vector(self._tokenizer.encode(text).ids) for text in texts]
        width = self._weights["embeddings.LayerNorm.weight"].shape[0]
        return np.array(made, dtype=np.float32).reshape(len(texts), width)

    def _vector(self, tokens: list[int]) -> Reals:
        kind = "embeddings."
        state = self._weights[f"{kind}word_embeddings.weight"][tokens]
        state = state + self._weights[f"{kind}position_embeddings.weight"][: len(tokens)]
        state = state + self._weights[f"{kind}token_type_embeddings.weight"][0]
        state = self._normed(state, f"{kind}LayerNorm")
        for layer in range(self._layers):
            name = f"encoder.layer.{layer}."
            seen = self._attended(state, f"{name}attention.")
            state = self._normed(state + seen, f"{name}attention.output.LayerNorm")
            inner = _gelu(self._dense(state, f"{name}intermediate.dense"))
            state = self._normed(
                state + self._dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm"
            )
        mean = state.mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), dtype=np.float32)

    def _attended(self, state: Reals, name: str) -> Reals:
        count, width = state.shape

        def by_head(kind: str) -> Reals:
            made = self._dense(state, f"{name}self.{kind}")
            return made.reshape(count, self._heads, -1).transpose(1, 0, 2)

        scores = by_head("query") @ by_head("key").transpose(0, 2, 1)
        scores /= np.float32(math.sqrt(width / self._heads))
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        seen = (scores @ by_head("value")).transpose(1, 0, 2)
        mixed = np.asarray(seen.reshape(count, width), dtype=np.float32)
        return self._dense(mixed, f"{name}output.dense")

    def _dense(self, state: Reals, name: str) -> Reals:
        made = state @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return np.asarray(made)

    def _normed(self, state: Reals, name: str) -> Reals:
        centred = state - state.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + self._epsilon)
        scaled = centred / spread.astype(np.float32)
        return np.asarray(scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"])


def _gelu(state: Reals) -> Reals:
    return np.asarray(state * (0.5 * (1.0 + erf(state * np.float32(math.sqrt(0.5))))), np.float32)


def _read(path: Path) -> Mapping[str, Reals]:
    """Read weights: the length of a head, a head of JSON that says where each is, the bytes."""
    stored = path.read_bytes()
    size = int.from_bytes(stored[:_HEAD_BYTES], "little")
    if size > min(_HEAD_BYTES_MAX, len(stored)):
        raise EngineError("the packaged model's weights are damaged")
    head = json.loads(stored[_HEAD_BYTES : _HEAD_BYTES + size])
    body = memoryview(stored)[_HEAD_BYTES + size :]
    found = {}
    for name, told in head.items():
        if told.get("dtype") == "F32":
            start, end = told["data_offsets"]
            found[name] = np.frombuffer(body[start:end], dtype="<f4").reshape(told["shape"])
    return found
