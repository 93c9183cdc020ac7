"""Build the three ONNX graphs that turn one text's token ids into one vector of unit length.

The first one looks up the words, where the reader of pairs goes on with layers of its own
(`reader`). The lower one ends where classifiers go on: what they share with the vector is run once.
The upper one gives the vectors of the tokens, too: what a question's tokens find in a passage
(`matcher`).
"""

from pathlib import Path
from typing import Final

import onnx

from roadworthy.gateway.engine.blocks import Builder, embedded, layer_of, numbers, token_ids
from roadworthy.gateway.engine.encoder import Encoder

WORDS: Final = "words.onnx"
LOWER: Final = "lower.onnx"
UPPER: Final = "upper.onnx"
START: Final = "start"  # of each token: what the first graph gives, and the lower one takes
STATE: Final = "state"  # what the lower one gives, and the upper one takes
OUTPUT: Final = "vector"
TOKENS: Final = "tokens"  # a vector of unit length for each token
GRAPH: Final = "4"  # changes with the files, or what they give out; the vectors are the same


def save(encoder: Encoder, folder: Path, *, lower_layers: int) -> None:
    """Write the three graphs of `encoder` into `folder`."""
    save_words(encoder, folder / WORDS)
    save_lower(encoder, folder / LOWER, layers=lower_layers)
    _save_upper(encoder, folder / UPPER, above=lower_layers)


def save_words(encoder: Encoder, path: Path) -> None:
    """Write a graph from token ids to their state before the first layer."""
    builder = Builder(epsilon=encoder.epsilon)
    builder.node("Identity", [embedded(builder, encoder)], START)
    builder.save(path, takes=token_ids(), gives=[_states(START, encoder)])


def save_lower(encoder: Encoder, path: Path, *, layers: int) -> None:
    """Write a graph from there to the state after the first `layers`."""
    builder = Builder(epsilon=encoder.epsilon)
    state = _through(builder, encoder, range(layers), state=START)
    builder.node("Identity", [state], STATE)
    builder.save(path, takes=_states(START, encoder), gives=[_states(STATE, encoder)])


def _save_upper(encoder: Encoder, path: Path, *, above: int) -> None:
    builder = Builder(epsilon=encoder.epsilon)
    state = _through(builder, encoder, range(above, len(encoder.layers)), state=STATE)
    mean = builder.node("ReduceMean", [state, "token_axis"], "mean", keepdims=0)
    builder.node("LpNormalization", [mean], OUTPUT, axis=-1, p=2)
    builder.node("LpNormalization", [state], TOKENS, axis=-1, p=2)
    gives = [numbers(OUTPUT, "texts", encoder.width), _states(TOKENS, encoder)]
    builder.save(path, takes=_states(STATE, encoder), gives=gives)


def _states(name: str, encoder: Encoder) -> onnx.ValueInfoProto:
    return numbers(name, "texts", "tokens", encoder.width)


def _through(builder: Builder, encoder: Encoder, layers: range, *, state: str) -> str:
    for number in layers:
        name = f"layer{number}"
        state = layer_of(builder, encoder.layers[number], state, name=name, heads=encoder.heads)
    return state
