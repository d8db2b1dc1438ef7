"""The packaged model's arithmetic, on a model of a few weights that can be followed by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, pre_tokenizers

from api.similarity.minilm import MiniLM
from judge.errors import EngineError

WIDTH, INNER, WORDS = 4, 6, {"[UNK]": 0, "a": 1, "b": 2, "c": 3}
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "num_attention_heads": 2,
    "num_hidden_layers": 1,
    "layer_norm_eps": 1e-12,
}
Weights = dict[str, NDArray[np.float32]]


def weights() -> Weights:
    """Return random weights, the same each time."""
    draw = np.random.default_rng(7)
    layer = "encoder.layer.0."
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": (9, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    for name, rows, columns in (
        *((f"{layer}attention.self.{each}", WIDTH, WIDTH) for each in ("query", "key", "value")),
        (f"{layer}attention.output.dense", WIDTH, WIDTH),
        (f"{layer}intermediate.dense", INNER, WIDTH),
        (f"{layer}output.dense", WIDTH, INNER),
    ):
        shapes |= {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}
    for name in ("embeddings.", f"{layer}attention.output.", f"{layer}output."):
        shapes |= {f"{name}LayerNorm.weight": (WIDTH,), f"{name}LayerNorm.bias": (WIDTH,)}
    return {name: draw.normal(size=shape).astype("<f4") for name, shape in shapes.items()}


def written(directory: Path, held: Weights, config: dict[str, object]) -> MiniLM:
    """Write a model as its package does, and load it."""
    head, body = {}, b""
    for name, values in held.items():
        end = len(body) + values.nbytes
        offsets = [len(body), end]
        head[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": offsets}
        body += values.tobytes()
    told = json.dumps(head).encode()
    (directory / "model.safetensors").write_bytes(len(told).to_bytes(8, "little") + told + body)
    (directory / "config.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(models.WordLevel(WORDS, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(directory / "tokenizer.json"))
    return MiniLM(str(directory), 3)


def test_what_a_model_computes(tmp_path: Path) -> None:
    """The vector of two words, once more in plain numbers; longer texts are cut."""
    held = weights()
    model = written(tmp_path, held, CONFIG)
    made = model.encode(["b a", "c", "a b c", "a b c b"])

    assert made.shape == (4, WIDTH)
    assert np.allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-6)
    assert made[2].tolist() == made[3].tolist()
    assert np.allclose(made[0], _by_hand(held, [2, 1]), atol=1e-5)
    assert model.encode([]).shape == (0, WIDTH)


def _by_hand(held: Weights, tokens: list[int]) -> NDArray[np.float64]:
    """Return the vector of some words, a token and a head at a time."""
    layer = "encoder.layer.0."
    tables = ("word", "position", "token_type")
    word, position, kind = (held[f"embeddings.{name}_embeddings.weight"] for name in tables)

    def dense(row: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        weight, bias = held[f"{layer}{name}.weight"], held[f"{layer}{name}.bias"]
        return np.array([float(each @ row) for each in weight]) + bias

    def normed(row: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        scaled = (row - row.mean()) / np.sqrt(row.var() + 1e-12)
        weight, bias = held[f"{name}LayerNorm.weight"], held[f"{name}LayerNorm.bias"]
        return np.asarray(scaled * weight + bias)

    rows = [
        normed((word[token] + position[place] + kind[0]).astype(float), "embeddings.")
        for place, token in enumerate(tokens)
    ]
    out = []
    for row in rows:
        seen = np.zeros(WIDTH)
        for part in (slice(0, 2), slice(2, 4)):
            asks = dense(row, "attention.self.query")[part]
            marks = [asks @ dense(each, "attention.self.key")[part] / np.sqrt(2) for each in rows]
            shares = np.exp(marks) / np.exp(marks).sum()
            values = [dense(each, "attention.self.value")[part] for each in rows]
            seen[part] = sum(share * value for share, value in zip(shares, values, strict=True))
        state = normed(row + dense(seen, "attention.output.dense"), f"{layer}attention.output.")
        inner = dense(state, "intermediate.dense")
        # Both tails of the normal distribution, by a sum: no library of the code under test.
        steps = np.linspace(0.0, 1.0, 20_001)
        bell = np.array([np.trapezoid(np.exp(-((each * steps) ** 2) / 2), steps) for each in inner])
        curved = inner * (0.5 + inner * bell / np.sqrt(2 * np.pi))
        out.append(normed(state + dense(curved, "output.dense"), f"{layer}output."))
    mean = np.mean(out, axis=0)
    return np.asarray(mean / np.linalg.norm(mean))


@pytest.mark.parametrize(
    ("config", "size"), [({**CONFIG, "model_type": "gpt2"}, 8), (CONFIG, 1 << 40)]
)
def test_another_model_is_refused(tmp_path: Path, config: dict[str, object], size: int) -> None:
    """What is no such model, and weights whose head cannot be, load as nothing."""
    written(tmp_path, weights(), CONFIG)
    (tmp_path / "config.json").write_text(json.dumps(config))
    stored = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(size.to_bytes(8, "little") + stored[8:])
    with pytest.raises(EngineError, match="packaged model"):
        MiniLM(str(tmp_path), 3)
