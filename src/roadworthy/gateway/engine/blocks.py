"""The parts of an ONNX graph that an encoder is made of, with 8-bit matrix products.

The activations are rounded to 8 bits with a scale for **each token**, not for the whole tensor as
onnxruntime's own dynamic quantisation does: a token's result then depends on that token alone, and
outliers of one token do not cost the others their precision. Measured over 70 texts in six
languages, the lowest cosine to the 32-bit graph is .9988, against .986 with one scale for the
tensor, at the same speed.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from roadworthy.gateway.engine.encoder import BLOCK, BlockTable, Encoder, Layer, Linear, Norm

INPUT: Final = "token_ids"
LARGE_BYTES: Final = 100_000  # tensors from here on lie in a file apart, which is memory-mapped

_MICROSOFT = "com.microsoft"  # onnxruntime's own operators
_OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid(_MICROSOFT, 1)]
_GELU_FLOOR = 0.17  # GELU is never below -0.17,
_GELU_ZERO = 15  # so 15 of the 255 steps are enough for what is below 0


@dataclass(slots=True)
class Builder:
    """Collects the nodes and tensors of a graph; each has a name, by which others take it."""

    epsilon: float
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._constants()

    def node(
        self,
        operator: str,
        inputs: list[str],
        output: str,
        *more: str,
        **attributes: float | str | list[int],
    ) -> str:
        """Add a node; returns the name of its first output."""
        domain = _MICROSOFT if operator in _MICROSOFT_OPERATORS else ""
        node = helper.make_node(operator, inputs, [output, *more], domain=domain)
        node.attribute.extend(helper.make_attribute(key, attributes[key]) for key in attributes)
        self.nodes.append(node)
        return output

    def tensor(self, name: str, values: NDArray[np.generic]) -> str:
        """Add a constant; returns its name."""
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _constants(self) -> None:
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

    def save(
        self, path: Path, *, takes: onnx.ValueInfoProto, gives: list[onnx.ValueInfoProto]
    ) -> None:
        """Write the graph, its large tensors into a file of the same name and `.bin`."""
        graph = helper.make_graph(self.nodes, path.stem, [takes], gives, self.tensors)
        model = helper.make_model(graph, opset_imports=_OPSETS, ir_version=10)
        onnx.save_model(
            model,
            str(path),
            save_as_external_data=True,
            location=f"{path.stem}.bin",
            size_threshold=LARGE_BYTES,
        )


def token_ids() -> onnx.ValueInfoProto:
    """Declare the ids of the tokens of a text as what a graph takes."""
    return helper.make_tensor_value_info(INPUT, onnx.TensorProto.INT64, ["texts", "tokens"])


def numbers(name: str, *shape: str | int) -> onnx.ValueInfoProto:
    """Declare an input or output of numbers."""
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))


_MICROSOFT_OPERATORS = frozenset(
    {"BiasGelu", "GatherBlockQuantized", "MatMulIntegerToFloat", "MultiHeadAttention"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rounded:
    """Activations in 8 bits: value = (code - zero) * step, one step for each token."""

    codes: str
    steps: str
    zero: str


def embedded(builder: Builder, encoder: Encoder) -> str:
    """Look up words and positions; returns the state before the first layer."""
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


def layer_of(builder: Builder, layer: Layer, state: str, *, name: str, heads: int) -> str:
    """Add a layer; returns the state after it, named by the layer."""
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


def _residual(builder: Builder, change: str, state: str, *, linear: Linear, norm: Norm) -> str:
    bias = builder.tensor(f"{change}.bias", linear.bias)
    biased = builder.node("Add", [change, bias], f"{change}.biased")
    total = builder.node("Add", [biased, state], f"{change}.total")
    return _normalised(builder, total, norm=norm, name=f"{change}.norm")


def _normalised(builder: Builder, state: str, *, norm: Norm, name: str) -> str:
    weight = builder.tensor(f"{name}.weight", norm.weight)
    bias = builder.tensor(f"{name}.bias", norm.bias)
    return builder.node(
        "LayerNormalization", [state, weight, bias], name, axis=-1, epsilon=builder.epsilon
    )


def _product(builder: Builder, rounded: _Rounded, linear: Linear, *, name: str) -> str:
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


def _rounded(builder: Builder, state: str) -> _Rounded:
    size = builder.node("Abs", [state], f"{state}.abs")
    largest = builder.node("ReduceMax", [size, "value_axis"], f"{state}.max", keepdims=1)
    step = builder.node("Mul", [largest, "symmetric_step"], f"{state}.step")
    return _divided(builder, state, step, floor="smallest_step", zero="symmetric_zero")


def _rounded_gelu(builder: Builder, state: str) -> _Rounded:
    largest = builder.node("ReduceMax", [state, "value_axis"], f"{state}.max", keepdims=1)
    step = builder.node("Mul", [largest, "gelu_step"], f"{state}.step")
    return _divided(builder, state, step, floor="gelu_floor", zero="gelu_zero")


def _divided(builder: Builder, state: str, step: str, *, floor: str, zero: str) -> _Rounded:
    steps = builder.node("Max", [step, floor], f"{state}.steps")
    inverse = builder.node("Reciprocal", [steps], f"{state}.inverse")
    scaled = builder.node("Mul", [state, inverse], f"{state}.scaled")
    codes = builder.node("QuantizeLinear", [scaled, "one", zero], f"{state}.codes")
    return _Rounded(codes=codes, steps=steps, zero=zero)
