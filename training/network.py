"""The upper layers and heads in JAX: what is trained, in the arithmetic that is served.

Parameters are a flat dictionary with the names of the classifier's file (see
`roadworthy.gateway.engine.classifier_file`): `layer10.inner.down`, `whole.toxicity.weight`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from roadworthy.gateway.engine.classifier_file import PARTS, RUN, RUN_TOKENS, WHOLE
from roadworthy.gateway.engine.encoder import Encoder, Layer, Linear

Params = dict[str, Array]

_UNSEEN = -1e9
_HALF = jnp.bfloat16  # of matrix products: twice as fast, and finer than the 8 bits served


class Batch(NamedTuple):
    """Examples, filled up to one length."""

    states: Array  # (examples, tokens, width) after the frozen layers
    counts: Array  # (examples,) tokens that are real
    marks: Array  # (examples, tokens) 1 for tokens of the attack or answer
    labels: Array  # (examples, heads) 1, 0, or -1 for unknown


class Top(NamedTuple):
    """The layers that are trained, as they were."""

    layers: Sequence[Mapping[str, Array]]
    first: int
    heads: int
    epsilon: float


def top_of(encoder: Encoder, first: int) -> Top:
    """Take the layers from number `first` on."""
    return Top(
        layers=[_arrays(layer) for layer in encoder.layers[first:]],
        first=first,
        heads=encoder.heads,
        epsilon=encoder.epsilon,
    )


def _arrays(layer: Layer) -> Mapping[str, Array]:
    found: dict[str, Array] = {}
    for part in PARTS:
        linear: Linear = getattr(layer, part)
        found[f"{part}.weight"] = jnp.asarray(linear.weight.T)
        found[f"{part}.bias"] = jnp.asarray(linear.bias)
    for part in ("attention_norm", "outer_norm"):
        norm = getattr(layer, part)
        found[f"{part}.weight"] = jnp.asarray(norm.weight)
        found[f"{part}.bias"] = jnp.asarray(norm.bias)
    return found


def initial(top: Top, readings: Mapping[str, str], *, rank: int, seed: int) -> Params:
    """Begin with changes of nothing, and with heads that see next to nothing."""
    rng = np.random.default_rng(seed)
    params: dict[str, np.ndarray] = {}
    for number, layer in enumerate(top.layers, start=top.first):
        for part in PARTS:
            wide, out = layer[f"{part}.weight"].shape
            name = f"layer{number}.{part}"
            params[f"{name}.down"] = rng.normal(0, wide**-0.5, (rank, wide))
            params[f"{name}.up"] = np.zeros((out, rank))
    width = top.layers[0]["outer.weight"].shape[1]
    for head, reading in readings.items():
        for array in _ARRAYS[reading]:
            params[f"{reading}.{head}.{array}"] = rng.normal(0, 0.02, width)
        params[f"{reading}.{head}.bias"] = np.zeros(())
    return {name: jnp.asarray(array, jnp.float32) for name, array in params.items()}


_ARRAYS = {WHOLE: ("query", "weight"), RUN: ("weight",)}


def states(params: Params, top: Top, batch: Batch) -> Array:
    """Run the upper layers."""
    state = batch.states.astype(jnp.float32)
    seen = _seen(batch)
    for number, layer in enumerate(top.layers, start=top.first):
        state = _layer(params, layer, state, seen, name=f"layer{number}", top=top)
    return state


def _seen(batch: Batch) -> Array:
    return jnp.arange(batch.states.shape[1])[None, :] < batch.counts[:, None]


def _layer(
    params: Params, layer: Mapping[str, Array], state: Array, seen: Array, *, name: str, top: Top
) -> Array:
    examples, tokens, width = state.shape
    joint = _linear(params, layer, state, name, "attention_in")
    query, key, value = jnp.split(joint.reshape(examples, tokens, 3 * top.heads, -1), 3, axis=2)
    fits = jnp.einsum("bqhd,bkhd->bhqk", query, key) * (width // top.heads) ** -0.5
    fits = jax.nn.softmax(jnp.where(seen[:, None, None, :], fits, _UNSEEN), axis=-1)
    mixed = jnp.einsum("bhqk,bkhd->bqhd", fits, value).reshape(examples, tokens, width)
    attended = _linear(params, layer, mixed, name, "attention_out")
    state = _norm(layer, "attention_norm", state + attended, top.epsilon)
    inner = jax.nn.gelu(_linear(params, layer, state, name, "inner"), approximate=False)
    outer = _linear(params, layer, inner, name, "outer")
    return _norm(layer, "outer_norm", state + outer, top.epsilon)


def _linear(
    params: Params, layer: Mapping[str, Array], state: Array, name: str, part: str
) -> Array:
    down, up = (params[f"{name}.{part}.{end}"].astype(_HALF) for end in ("down", "up"))
    weight, rows = layer[f"{part}.weight"].astype(_HALF), state.reshape(-1, state.shape[-1])
    product = _product(rows.astype(_HALF), weight, down, up).astype(jnp.float32)
    return product.reshape(*state.shape[:-1], -1) + layer[f"{part}.bias"]


@jax.custom_vjp
def _product(rows: Array, weight: Array, down: Array, up: Array) -> Array:
    """Multiply with the changed weight; only the change has slopes, which are thin products."""
    return rows @ (weight + (up @ down).T)


def _forward(rows: Array, weight: Array, down: Array, up: Array) -> tuple[Array, tuple[Array, ...]]:
    return _product(rows, weight, down, up), (rows, weight, down, up)


def _backward(kept: tuple[Array, ...], slope: Array) -> tuple[Array | None, ...]:
    rows, weight, down, up = kept
    thin = slope @ up
    return slope @ (weight.T + up @ down), None, thin.T @ rows, slope.T @ (rows @ down.T)


_product.defvjp(_forward, _backward)


def _norm(layer: Mapping[str, Array], part: str, state: Array, epsilon: float) -> Array:
    centred = state - state.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    scaled = centred * jax.lax.rsqrt(variance + epsilon)
    return scaled * layer[f"{part}.weight"] + layer[f"{part}.bias"]


def loss(params: Params, top: Top, batch: Batch, readings: tuple[tuple[str, str], ...]) -> Array:
    """Add up what each head does not know yet, over the examples that it is told about."""
    state, seen = states(params, top, batch), _seen(batch)
    total = jnp.zeros(())
    for number, (head, reading) in enumerate(readings):
        label = batch.labels[:, number]
        logit, extra = _READINGS[reading](params, f"{reading}.{head}", state, seen, batch)
        wrong = _surprise(logit, label) + extra
        total += jnp.where(label >= 0, wrong, 0).sum() / label.shape[0]
    return total


def _surprise(logit: Array, label: Array) -> Array:
    return jax.nn.softplus(logit) - logit * (label > 0)


def _whole(params: Params, name: str, state: Array, seen: Array, _: Batch) -> tuple[Array, Array]:
    fits = jnp.where(seen, state @ params[f"{name}.query"], _UNSEEN)
    mean = (state * jax.nn.softmax(fits, axis=1)[:, :, None]).sum(axis=1)
    logit = mean @ params[f"{name}.weight"] + params[f"{name}.bias"]
    return logit, jnp.zeros(())


def _run(params: Params, name: str, state: Array, seen: Array, batch: Batch) -> tuple[Array, Array]:
    logits = state @ params[f"{name}.weight"]
    bias = params[f"{name}.bias"]
    each = jnp.where(seen, _surprise(logits + bias, batch.marks), 0)
    wrong = each.sum(axis=1) / batch.counts
    runs = _summed(jnp.where(seen, logits, 0)) / jnp.maximum(_summed(seen.astype(jnp.float32)), 1)
    return jnp.where(seen, runs, _UNSEEN).max(axis=1) + bias, 2 * wrong


def _summed(values: Array) -> Array:
    around = RUN_TOKENS // 2
    return jax.lax.reduce_window(
        values, 0.0, jax.lax.add, (1, RUN_TOKENS), (1, 1), ((0, 0), (around, around))
    )


_READINGS = {WHOLE: _whole, RUN: _run}
