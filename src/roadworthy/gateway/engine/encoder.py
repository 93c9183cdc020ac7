"""The weights of a BERT encoder, whatever file they came from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.uint8]

BLOCK = 32  # weights of a table that share one scale


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTable:
    """A table of small integers: value = (code - zero point) * scale of its block.

    The zero point is the middle of the range: 8 for 4 bits, 128 for 8 bits.
    """

    codes: Codes  # (rows, columns), one code per byte
    scales: Floats  # (rows, columns / BLOCK)
    bits: int  # 4 or 8

    def values(self) -> Floats:
        """Return the numbers that the codes stand for, shape (rows, columns)."""
        centred = self.codes.astype(np.float32) - (1 << (self.bits - 1))
        blocks = centred.reshape(*self.scales.shape, BLOCK) * self.scales[:, :, None]
        return blocks.reshape(self.codes.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear:
    """y = x · weightᵀ + bias."""

    weight: Floats  # (out, in)
    bias: Floats  # (out,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Norm:
    """Layer normalisation."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One transformer block, normalised after each half."""

    attention_in: Linear  # query, key and value, one under the other
    attention_out: Linear
    attention_norm: Norm
    inner: Linear
    outer: Linear
    outer_norm: Norm


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """A whole encoder: table of words, positions, layers."""

    words: BlockTable
    positions: Floats  # (max tokens, width), the vector of the only token type added
    norm: Norm
    layers: tuple[Layer, ...]
    heads: int
    epsilon: float

    @property
    def width(self) -> int:
        """Return the length of a token's vector."""
        return self.positions.shape[1]


def stacked(*parts: Linear) -> Linear:
    """Put linear maps of one input under each other, so that they run as one."""
    return Linear(
        weight=np.concatenate([part.weight for part in parts]),
        bias=np.concatenate([part.bias for part in parts]),
    )


def quantised_table(values: Floats) -> BlockTable:
    """Round a table to 8 bits, with a scale for each block of a row."""
    blocks = values.reshape(values.shape[0], -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2) / 127, np.float32(1e-9)).astype(np.float32)
    codes = np.clip(np.rint(blocks / scales[:, :, None]), -127, 127) + 128
    return BlockTable(codes=codes.astype(np.uint8).reshape(values.shape), scales=scales, bits=8)
