"""Build the ONNX graph that turns one text's token ids into one vector of unit length.

It gives those of the tokens, too: what a question's tokens find in a passage (see `matcher`).
"""

from pathlib import Path
from typing import Final

from roadworthy.gateway.engine.blocks import Builder, embedded, layer_of, numbers, token_ids
from roadworthy.gateway.engine.encoder import Encoder

FILE: Final = "model.onnx"
OUTPUT: Final = "vector"
STATE: Final = "state"  # of each token, where a classifier goes on
TOKENS: Final = "tokens"  # a vector of unit length for each token
GRAPH: Final = "2"  # changes when it gives out more; the vectors are the same


def save(encoder: Encoder, folder: Path, *, state_after: int | None = None) -> None:
    """Write the graph of `encoder` into `folder`.

    Args:
        state_after: give out the state after so many layers too.
    """
    builder = Builder(epsilon=encoder.epsilon)
    state = embedded(builder, encoder)
    gives = [
        numbers(OUTPUT, "texts", encoder.width),
        numbers(TOKENS, "texts", "tokens", encoder.width),
    ]
    for number, layer in enumerate(encoder.layers):
        if number == state_after:
            builder.node("Identity", [state], STATE)
            gives.append(numbers(STATE, "texts", "tokens", encoder.width))
        state = layer_of(builder, layer, state, name=f"layer{number}", heads=encoder.heads)
    mean = builder.node("ReduceMean", [state, "token_axis"], "mean", keepdims=0)
    builder.node("LpNormalization", [mean], OUTPUT, axis=-1, p=2)
    builder.node("LpNormalization", [state], TOKENS, axis=-1, p=2)
    builder.save(folder / FILE, takes=token_ids(), gives=gives)
