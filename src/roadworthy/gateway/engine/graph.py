"""Build the ONNX graph of an encoder with 8-bit matrix products.

One text goes in as token ids, one vector of unit length comes out. The activations are rounded to
8 bits with a scale for **each token**, not for the whole tensor as onnxruntime's own dynamic
quantisation does: a token's result then depends on that token alone, and outliers of one token do
not cost the others their precision. Measured over 70 texts in six languages, the lowest cosine to
the 32-bit graph is .9988, against .986 with one scale for the tensor, at the same speed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from roadworthy.gateway.engine.encoder import BLOCK, BlockTable, Encoder, Layer, Linear, Norm

FILE: Final = "model.onnx"
WEIGHTS_FILE: Final = "weights.bin"
INPUT: Final = "token_ids"
OUTPUT: Final = "vector"

_MICROSOFT = "com.microsoft"  # onnxruntime's own operators
_OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1)]
_LARGE_BYTES = 100_000  # tensors from here on lie in a file of their own, which is memory-mapped
_GELU_FLOOR = 0.17  # GELU is never below -0.17,
_GELU_ZERO = 15  # so 15 of the 255 steps are enough for what is below 0


def save(encoder: Encoder, folder: Path) -> None:
    """Write the graph of `encoder` into `folder`."""
    builder = _Builder(epsilon=encoder.epsilon)
    builder.constants()
    state = _embedded(builder, encoder)
    for number, layer in enumerate(encoder.layers):
        state = _layer(builder, layer, state, name=f"layer{number}", heads=encoder.heads)
    mean = builder.node("ReduceMean", [state, "token_axis"], "mean", keepdims=0)
    builder.node("LpNormalization", [mean], OUTPUT, axis=-1, p=2)
    onnx.save_model(
        builder.model(width=encoder.width),
        str(folder / FILE),
        save_as_external_data=True,
        location=WEIGHTS_FILE,
        size_threshold=_LARGE_BYTES,
    )


@dataclass(slots=True)
class _Builder:
    epsilon: float
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def node(
        self, operator: str, inputs: list[str], output: str, *more: str, **attributes: float | str
    ) -> str:
        domain = _MICROSOFT if operator in _MICROSOFT_OPERATORS else ""
        node = helper.make_node(operator, inputs, [output, *more], domain=domain)
        node.attribute.extend(helper.make_attribute(key, attributes[key]) for key in attributes)
        self.nodes.append(node)
        return output

    def tensor(self, name: str, values: NDArray[np.generic]) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def constants(self) -> None:
        self.tensor("token_axis", np.array([1], np.int64))
        self.tensor("value_axis", np.array([-1], np.int64))
        self.tensor("first", np.array([0], np.int64))
        self.tensor("one", np.array(1, np.float32))
        self.tensor("symmetric_step", np.array(1 / 127, np.float32))
        self.tensor("symmetric_zero", np.array(128, np.uint8))
        self.tensor("gelu_step", np.array(1 / (254 - _GELU_ZERO), np.float32))
        self.tensor("gelu_floor", np.array(_GELU_FLOOR / _GELU_ZERO, np.float32))
        self.tensor("gelu_zero", np.array(_GELU_ZERO, np.uint8))
        # A token of zeros only must not divide by zero.
        self.tensor("smallest_step", np.array(1e-12, np.float32))

    def model(self, *, width: int) -> onnx.ModelProto:
        ids = helper.make_tensor_value_info(INPUT, onnx.TensorProto.INT64, ["texts", "tokens"])
        vector = helper.make_tensor_value_info(OUTPUT, onnx.TensorProto.FLOAT, ["texts", width])
        graph = helper.make_graph(self.nodes, "encoder", [ids], [vector], self.tensors)
        return helper.make_model(graph, opset_imports=_OPSETS, ir_version=10)


_MICROSOFT_OPERATORS = frozenset(
    {"BiasGelu", "GatherBlockQuantized", "MatMulIntegerToFloat", "MultiHeadAttention"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rounded:
    """Activations in 8 bits: value = (code - zero) * step, one step for each token."""

    codes: str
    steps: str
    zero: str


def _embedded(builder: _Builder, encoder: Encoder) -> str:
    words = builder.node(
        "GatherBlockQuantized",
        [
            builder.tensor("words.codes", _packed(encoder.words)),
            INPUT,
            builder.tensor("words.scales", encoder.words.scales),
        ],
        "words",
        gather_axis=0,
        quantize_axis=1,
        block_size=BLOCK,
        bits=encoder.words.bits,
    )
    table = builder.tensor("positions.table", encoder.positions)
    count = builder.node("Shape", [INPUT], "count", start=1, end=2)
    positions = builder.node("Slice", [table, "first", count, "first"], "positions")
    total = builder.node("Add", [words, positions], "embedded")
    return _normalised(builder, total, norm=encoder.norm, name="embedded.norm")


def _packed(table: BlockTable) -> NDArray[np.uint8]:
    """Put two 4-bit codes into a byte, the earlier one low."""
    if table.bits == 8:
        return table.codes
    return table.codes[:, 0::2] | (table.codes[:, 1::2] << np.uint8(4))


def _layer(builder: _Builder, layer: Layer, state: str, *, name: str, heads: int) -> str:
    rounded = _rounded(builder, state)
    joint = _product(builder, rounded, layer.attention_in, name=f"{name}.joint")
    parts = [f"{name}.query", f"{name}.key", f"{name}.value"]
    builder.node("Split", [joint], parts[0], *parts[1:], axis=-1, num_outputs=3)
    bias = builder.tensor(f"{name}.joint.bias", layer.attention_in.bias)
    mixed = builder.node("MultiHeadAttention", [*parts, bias], f"{name}.mixed", num_heads=heads)
    attended = _product(
        builder, _rounded(builder, mixed), layer.attention_out, name=f"{name}.attended"
    )
    state = _residual(
        builder, attended, state, linear=layer.attention_out, norm=layer.attention_norm
    )
    inner = _product(builder, _rounded(builder, state), layer.inner, name=f"{name}.inner")
    bias = builder.tensor(f"{name}.inner.bias", layer.inner.bias)
    active = builder.node("BiasGelu", [inner, bias], f"{name}.active")
    outer = _product(builder, _rounded_gelu(builder, active), layer.outer, name=f"{name}.outer")
    return _residual(builder, outer, state, linear=layer.outer, norm=layer.outer_norm)


def _residual(builder: _Builder, change: str, state: str, *, linear: Linear, norm: Norm) -> str:
    # Apart: the fused SkipLayerNormalization has a kernel that makes the whole 15 % slower.
    bias = builder.tensor(f"{change}.bias", linear.bias)
    biased = builder.node("Add", [change, bias], f"{change}.biased")
    total = builder.node("Add", [biased, state], f"{change}.total")
    return _normalised(builder, total, norm=norm, name=f"{change}.norm")


def _normalised(builder: _Builder, state: str, *, norm: Norm, name: str) -> str:
    weight = builder.tensor(f"{name}.weight", norm.weight)
    bias = builder.tensor(f"{name}.bias", norm.bias)
    return builder.node(
        "LayerNormalization", [state, weight, bias], name, axis=-1, epsilon=builder.epsilon
    )


def _product(builder: _Builder, rounded: _Rounded, linear: Linear, *, name: str) -> str:
    """Multiply with the weight, in 8 bits with a scale for each output; the bias comes later."""
    scales = np.maximum(np.abs(linear.weight).max(axis=1) / 127, np.float32(1e-12))
    codes = np.clip(np.rint(linear.weight / scales[:, None]), -127, 127).astype(np.int8)
    inputs = [
        rounded.codes,
        builder.tensor(f"{name}.codes", codes.T),
        "one",
        builder.tensor(f"{name}.scales", scales.astype(np.float32)),
        rounded.zero,
    ]
    unscaled = builder.node("MatMulIntegerToFloat", inputs, f"{name}.unscaled")
    return builder.node("Mul", [unscaled, rounded.steps], name)


def _rounded(builder: _Builder, state: str) -> _Rounded:
    size = builder.node("Abs", [state], f"{state}.abs")
    largest = builder.node("ReduceMax", [size, "value_axis"], f"{state}.max", keepdims=1)
    step = builder.node("Mul", [largest, "symmetric_step"], f"{state}.step")
    return _divided(builder, state, step, floor="smallest_step", zero="symmetric_zero")


def _rounded_gelu(builder: _Builder, state: str) -> _Rounded:
    largest = builder.node("ReduceMax", [state, "value_axis"], f"{state}.max", keepdims=1)
    step = builder.node("Mul", [largest, "gelu_step"], f"{state}.step")
    return _divided(builder, state, step, floor="gelu_floor", zero="gelu_zero")


def _divided(builder: _Builder, state: str, step: str, *, floor: str, zero: str) -> _Rounded:
    steps = builder.node("Max", [step, floor], f"{state}.steps")
    inverse = builder.node("Reciprocal", [steps], f"{state}.inverse")
    scaled = builder.node("Mul", [state, inverse], f"{state}.scaled")
    codes = builder.node("QuantizeLinear", [scaled, "one", zero], f"{state}.codes")
    return _Rounded(codes=codes, steps=steps, zero=zero)
