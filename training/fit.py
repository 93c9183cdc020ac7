"""Fit changes and heads to the cached states of the frozen layers."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

from training.network import Batch, Params, Top, loss
from training.trunk import Bucket

TOKENS = 2048  # of one batch, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long and how fast."""

    epochs: float = 3.0
    rate: float = 1e-3
    seed: int = 1
    minutes: float = 60.0  # when they are over the rate has come down, wherever the epochs are


def fit(
    params: Params,
    top: Top,
    buckets: Sequence[Bucket],
    *,
    readings: Mapping[str, str],
    plan: Plan,
) -> Params:
    """Train `params`, with a rate that rises for a short time and then falls to zero.

    The rate follows the clock or the epochs, whichever is further on, so that a busy machine gives
    a less trained classifier, never one that was cut off.
    """
    adam = optax.inject_hyperparams(optax.adamw)(learning_rate=0.0, weight_decay=0.01)
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), adam)
    state = optimiser.init(params)
    pairs = tuple(readings.items())
    layers, shape = top.layers, top._replace(layers=())  # arguments, not constants to compile in

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(params, state, top, batch, rate):  # noqa: ANN001, ANN202
        state[1].hyperparams["learning_rate"] = rate
        value, slopes = jax.value_and_grad(loss)(params, shape._replace(layers=top), batch, pairs)
        changes, state = optimiser.update(slopes, state, params)
        return optax.apply_updates(params, changes), state, value

    began, seen, total, recent = time.monotonic(), 0, sum(len(b.rows) for b in buckets), []
    shown = began
    for batch in _batches(buckets, seed=plan.seed):
        done = max(seen / (total * plan.epochs), (time.monotonic() - began) / (60 * plan.minutes))
        if done >= 1:
            break
        rate = plan.rate * min(1.0, done / 0.05) * (1 - done)
        params, state, value = step(params, state, layers, batch, jnp.float32(rate))
        recent.append(float(value))
        seen += len(batch.counts)
        if time.monotonic() - shown > 20:
            shown = time.monotonic()
            print(
                f"{done:5.0%}  epoch {seen / total:.2f}  loss {np.mean(recent[-50:]):.4f}",
                flush=True,
            )
    return params


def _batches(buckets: Sequence[Bucket], *, seed: int) -> Iterator[Batch]:
    """Draw batches without end: each epoch in another order, the odd rest of a bucket left out."""
    rng = np.random.default_rng(seed)
    while True:
        drawn: list[tuple[Bucket, np.ndarray]] = []
        for bucket in buckets:
            size = TOKENS // bucket.states.shape[1]  # always: each shape is compiled once
            order = rng.permutation(max(size, len(bucket.rows))) % len(bucket.rows)
            drawn += [(bucket, order[i : i + size]) for i in range(0, len(order) - size + 1, size)]
        for number in rng.permutation(len(drawn)):
            bucket, rows = drawn[number]
            rows = np.sort(rows)
            yield Batch(
                states=jnp.asarray(bucket.states[rows]),
                counts=jnp.asarray(bucket.counts[rows]),
                marks=jnp.asarray(bucket.marks[rows]),
                labels=jnp.asarray(bucket.labels[rows]),
            )
