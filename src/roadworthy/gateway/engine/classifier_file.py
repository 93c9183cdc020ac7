"""Read what a classifier adds to the encoder: small changes of its upper layers, and heads.

A file is an npz of arrays of half precision, without pickles. `layer10.inner.down` and `.up` are
the two thin factors of a change of that layer's weight (LoRA); `whole.toxicity.weight` belongs to
a head named toxicity that reads the whole text. `toxicity.scale`, `.shift` turn its logit into a
calibrated one, `.threshold` is the score from which on it counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from roadworthy.gateway.engine.encoder import Encoder, Floats, Layer, Linear

PARTS: Final = ("attention_in", "attention_out", "inner", "outer")

WHOLE: Final = "whole"  # weighs the tokens, then looks at their mean
RUN: Final = "run"  # looks at each run of a few tokens; the worst one counts
RUN_TOKENS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One thing that a classifier tells."""

    name: str
    reading: str  # WHOLE or RUN
    arrays: Mapping[str, Floats]
    scale: float  # score = sigmoid(scale * logit + shift)
    shift: float
    threshold: float  # the score from which on it counts


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierWeights:
    """The arrays of a classifier's file."""

    arrays: Mapping[str, Floats]

    @classmethod
    def read(cls, path: Path) -> "ClassifierWeights":
        """Read a file."""
        with np.load(path, allow_pickle=False) as file:
            return cls(arrays={name: file[name].astype(np.float32) for name in file.files})

    @property
    def first_layer(self) -> int:
        """Return the number of the lowest layer that it changes, from 0 on."""
        layers = (name.partition(".")[0] for name in self.arrays if name.startswith("layer"))
        return min(int(layer.removeprefix("layer")) for layer in layers)

    def changed(self, encoder: Encoder) -> Encoder:
        """Return the encoder with the classifier's own upper layers."""
        layers = [self._changed(layer, number) for number, layer in enumerate(encoder.layers)]
        return replace(encoder, layers=tuple(layers))

    def heads(self) -> tuple[Head, ...]:
        """Return the heads, in the order of the file."""
        found: dict[str, tuple[str, dict[str, Floats]]] = {}
        for name, array in self.arrays.items():
            reading, _, rest = name.partition(".")
            if reading in (WHOLE, RUN):
                head, _, part = rest.partition(".")
                found.setdefault(head, (reading, {}))[1][part] = array
        return tuple(self._head(name, *rest) for name, rest in found.items())

    def _head(self, name: str, reading: str, arrays: Mapping[str, Floats]) -> Head:
        return Head(
            name=name,
            reading=reading,
            arrays=arrays,
            scale=float(self.arrays[f"{name}.scale"]),
            shift=float(self.arrays[f"{name}.shift"]),
            threshold=float(self.arrays[f"{name}.threshold"]),
        )

    def _changed(self, layer: Layer, number: int) -> Layer:
        if f"layer{number}.inner.up" not in self.arrays:
            return layer
        return replace(
            layer,
            attention_in=self._added(layer.attention_in, f"layer{number}.attention_in"),
            attention_out=self._added(layer.attention_out, f"layer{number}.attention_out"),
            inner=self._added(layer.inner, f"layer{number}.inner"),
            outer=self._added(layer.outer, f"layer{number}.outer"),
        )

    def _added(self, linear: Linear, name: str) -> Linear:
        change = self.arrays[f"{name}.up"] @ self.arrays[f"{name}.down"]
        return replace(linear, weight=linear.weight + change)
