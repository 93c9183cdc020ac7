"""Build the ONNX graph of a classifier: its own upper layers, and its heads."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from roadworthy.gateway.engine.blocks import Builder, layer_of, numbers
from roadworthy.gateway.engine.catalogue import ClassifierModel
from roadworthy.gateway.engine.classifier_file import (
    RUN,
    RUN_TOKENS,
    WHOLE,
    ClassifierWeights,
    Head,
)
from roadworthy.gateway.engine.encoder import Encoder
from roadworthy.gateway.engine.graph import START, STATE
from roadworthy.gateway.engine.weights import verified

SCORES: Final = "scores"


def graph_file(model: ClassifierModel) -> str:
    """Name the graph of a classifier in the folder of its embedding model."""
    return f"{model.name}.onnx"


def save_classifier(model: ClassifierModel, encoder: Encoder, folder: Path) -> None:
    """Write the graph of a classifier that ships beside that of its embedding model.

    Raises:
        Unavailable: its file is missing or not the expected one.
    """
    weights = ClassifierWeights.read(verified(model.weights))
    save_upper(weights, encoder, folder / graph_file(model))


def save_upper(weights: ClassifierWeights, encoder: Encoder, path: Path) -> None:
    """Write a graph that goes on from what the embedding graphs give out: words, or lower layers.

    Args:
        weights: they change all layers, from START on, or upper ones, from STATE on.
    """
    builder = Builder(epsilon=encoder.epsilon)
    given = START if weights.first_layer == 0 else STATE
    state = _upper(builder, weights, encoder=encoder, state=given, name=path.stem)
    takes = numbers(given, "texts", "tokens", encoder.width)
    _finish(builder, weights, path, state=state, takes=takes)


def _upper(
    builder: Builder, weights: ClassifierWeights, *, encoder: Encoder, state: str, name: str
) -> str:
    layers = weights.changed(encoder).layers
    for number in range(weights.first_layer, len(layers)):
        own = f"{name}.layer{number}"  # never that of the encoder's own tensors
        state = layer_of(builder, layers[number], state, name=own, heads=encoder.heads)
    return state


def _finish(
    builder: Builder,
    weights: ClassifierWeights,
    path: Path,
    *,
    state: str,
    takes: onnx.ValueInfoProto,
) -> None:
    heads = weights.heads()
    logits = [_READINGS[head.reading](builder, head, state) for head in heads]
    joined = builder.node("Concat", logits, "logits", axis=1)
    scale = builder.tensor("scale", np.array([head.scale for head in heads], np.float32))
    shift = builder.tensor("shift", np.array([head.shift for head in heads], np.float32))
    scaled = builder.node("Mul", [joined, scale], "scaled")
    builder.node("Sigmoid", [builder.node("Add", [scaled, shift], "calibrated")], SCORES)
    gives = [numbers(SCORES, "texts", len(heads))]
    builder.save(path, takes=takes, gives=gives)


def _whole(builder: Builder, head: Head, state: str) -> str:
    name = head.name
    weights = builder.node(
        "Softmax", [_dot(builder, head, state, array="query")], f"{name}.w", axis=1
    )
    weighed = builder.node("Mul", [state, weights], f"{name}.weighed")
    mean = builder.node("ReduceSum", [weighed, "token_axis"], f"{name}.mean", keepdims=0)
    return _biased(builder, head, _dot(builder, head, mean, array="weight"))


def _run(builder: Builder, head: Head, state: str) -> str:
    name, around = head.name, RUN_TOKENS // 2
    logits = builder.node(
        "Transpose", [_dot(builder, head, state, array="weight")], f"{name}.row", perm=[0, 2, 1]
    )
    runs = builder.node(
        "AveragePool",
        [logits],
        f"{name}.runs",
        kernel_shape=[RUN_TOKENS],
        pads=[around, around],
        count_include_pad=0,
    )
    worst = builder.node("ReduceMax", [runs, "value_axis"], f"{name}.worst", keepdims=0)
    return _biased(builder, head, worst)


def _dot(builder: Builder, head: Head, state: str, *, array: str) -> str:
    column = builder.tensor(f"{head.name}.{array}", head.arrays[array][:, None])
    return builder.node("MatMul", [state, column], f"{head.name}.{array}.dot")


def _biased(builder: Builder, head: Head, logit: str) -> str:
    bias = builder.tensor(f"{head.name}.bias", head.arrays["bias"].reshape(1))
    return builder.node("Add", [logit, bias], f"{head.name}.logit")


_READINGS: Mapping[str, Callable[[Builder, Head, str], str]] = {
    WHOLE: _whole,
    RUN: _run,
}
