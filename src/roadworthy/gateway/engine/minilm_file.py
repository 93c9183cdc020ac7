"""Read all-MiniLM-L6-v2 out of a safetensors file: a JSON header, then the numbers."""

import json
import struct
from pathlib import Path

import numpy as np

from roadworthy.gateway.engine.encoder import (
    Encoder,
    Floats,
    Layer,
    Linear,
    Norm,
    quantised_table,
    stacked,
)

_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12


def read_encoder(path: Path) -> Encoder:
    """Return the encoder's weights; the table of words is rounded to 8 bits."""
    tensors = _read_tensors(path)
    positions = tensors["embeddings.position_embeddings.weight"]
    return Encoder(
        words=quantised_table(tensors["embeddings.word_embeddings.weight"]),
        positions=positions + tensors["embeddings.token_type_embeddings.weight"][0],
        norm=_norm(tensors, "embeddings.LayerNorm"),
        layers=tuple(_layer(tensors, f"encoder.layer.{number}") for number in range(_LAYERS)),
        heads=_HEADS,
        epsilon=_EPSILON,
    )


def _layer(tensors: dict[str, Floats], name: str) -> Layer:
    attention = f"{name}.attention.self"
    return Layer(
        attention_in=stacked(
            *(_linear(tensors, f"{attention}.{part}") for part in ("query", "key", "value"))
        ),
        attention_out=_linear(tensors, f"{name}.attention.output.dense"),
        attention_norm=_norm(tensors, f"{name}.attention.output.LayerNorm"),
        inner=_linear(tensors, f"{name}.intermediate.dense"),
        outer=_linear(tensors, f"{name}.output.dense"),
        outer_norm=_norm(tensors, f"{name}.output.LayerNorm"),
    )


def _linear(tensors: dict[str, Floats], name: str) -> Linear:
    return Linear(weight=tensors[f"{name}.weight"], bias=tensors[f"{name}.bias"])


def _norm(tensors: dict[str, Floats], name: str) -> Norm:
    return Norm(weight=tensors[f"{name}.weight"], bias=tensors[f"{name}.bias"])


def _read_tensors(path: Path) -> dict[str, Floats]:
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    tensors: dict[str, Floats] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(content, "<f4", (last - first) // 4, first)
        tensors[name] = values.reshape(entry["shape"])
    return tensors
