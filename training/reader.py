"""Train what reads a question and a passage together: does the passage answer it?

make train NAME=reader [ARGS="--data DIR --minutes 60"]

All twelve layers of e5 get a change of their own, so none is run once and kept, as for `screen`. In
PyTorch, which takes 1,500 tokens a second on two cores where JAX takes 900.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from roadworthy.core.ranking_metrics import auroc
from roadworthy.gateway.engine import catalogue
from roadworthy.gateway.engine.catalogue import ANSWERED
from roadworthy.gateway.engine.classifier_file import PARTS, WHOLE, ClassifierWeights
from roadworthy.gateway.engine.encoder import Encoder
from training import release, sets
from training.reading import Pair, batches, counted, held_out_pairs, training_pairs
from training.trunk import read_encoder

RANK = 24  # of the change of each weight: 4 MB in all
TOKENS = 3072  # of one batch, about
SPAN = 0.35  # what it counts where the answer begins and ends, beside whether there is one
STATEMENTS = 0.3  # of the statements are read in each round

SHIPPED = Path(catalogue.__file__).parent / "classifiers" / "reader.npz"
HALF = torch.bfloat16
SAID = "said"  # the head of statements, which does not ship
_UNSEEN = -1e9
_THREADS = 2


def main() -> None:
    options = _options()
    torch.set_num_threads(_THREADS)
    encoder, tokens = read_encoder(options.cache)
    pairs, held = training_pairs(options.data, tokens), held_out_pairs(options.data, tokens)
    print(f"{counted(pairs)}; for the test {counted(held)}", flush=True)
    network = Network(encoder, seed=options.seed)
    if options.begin is not None:
        network.go_on_from(options.begin)
    for minutes in fit(network, pairs, options):
        print(f"after {minutes:.0f} min: AUROC of the test {measured(network, held)}", flush=True)
        arrays = {name: values.detach().numpy() for name, values in network.params.items()}
        kept = {name: values for name, values in arrays.items() if _ships(name)}
        release.write(kept, [ANSWERED], options.out)


def _ships(name: str) -> bool:
    return name.startswith(("layer", f"{WHOLE}.{ANSWERED}."))


class Network(torch.nn.Module):
    """The encoder with a change of each weight, and heads.

    Parameters have the names of the classifier's file: `layer0.inner.down`, `whole.answered.query`.
    """

    def __init__(self, encoder: Encoder, *, seed: int) -> None:
        super().__init__()
        self._random = torch.Generator().manual_seed(seed)
        self._heads, self._epsilon = encoder.heads, encoder.epsilon
        self._words = torch.from_numpy(encoder.words.values()).to(HALF)
        self._positions = _half(encoder.positions)
        self._norm = (_half(encoder.norm.weight), _half(encoder.norm.bias))
        self._layers = [
            {
                part: (_half(getattr(layer, part).weight), _half(getattr(layer, part).bias))
                for part in (*PARTS, "attention_norm", "outer_norm")
            }
            for layer in encoder.layers
        ]
        self.params = self._initial(encoder.width)
        for values in self.params.values():
            values.requires_grad_()

    def _initial(self, width: int) -> dict[str, Tensor]:
        """Begin with changes of nothing, and with heads that see next to nothing."""
        params: dict[str, Tensor] = {}
        for number, layer in enumerate(self._layers):
            for part in PARTS:
                out, wide = layer[part][0].shape
                params[f"layer{number}.{part}.down"] = self._drawn(RANK, wide) * wide**-0.5
                params[f"layer{number}.{part}.up"] = torch.zeros(out, RANK)
        for head in (ANSWERED, SAID):
            params[f"{WHOLE}.{head}.query"] = self._drawn(width) * 0.02
            params[f"{WHOLE}.{head}.weight"] = self._drawn(width) * 0.02
            params[f"{WHOLE}.{head}.bias"] = torch.zeros(())
        for end in ("begins", "ends"):
            params[end] = self._drawn(width) * 0.02
        return params

    def go_on_from(self, path: Path) -> None:
        """Take what a file has; heads that do not ship begin anew."""
        arrays = ClassifierWeights.read(path).arrays
        assert all(name in arrays for name in self.params if _ships(name)), "another kind of file"
        with torch.no_grad():
            for name in self.params.keys() & arrays.keys():
                self.params[name].copy_(torch.from_numpy(arrays[name]))

    def _drawn(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._random)

    def states(self, ids: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Run all layers; gives (pairs, tokens, width), and which tokens are real."""
        width, length = self._positions.shape[1], ids.shape[1]
        with torch.no_grad():
            state = self._words[ids] + self._positions[:length]
            state = functional.layer_norm(state, (width,), *self._norm, self._epsilon)
        seen = torch.arange(length) < counts[:, None]
        mask = torch.zeros(seen.shape, dtype=HALF).masked_fill(~seen, _UNSEEN)[:, None, None, :]
        for number, layer in enumerate(self._layers):
            attended = self._attended(number, state, mask)
            state = functional.layer_norm(
                state + attended, (width,), *layer["attention_norm"], self._epsilon
            )
            inner = functional.gelu(self._product(number, "inner", state))
            outer = self._product(number, "outer", inner)
            state = functional.layer_norm(
                state + outer, (width,), *layer["outer_norm"], self._epsilon
            )
        return state.float(), seen

    def _attended(self, number: int, state: Tensor, mask: Tensor) -> Tensor:
        pairs, length, width = state.shape
        joint = self._product(number, "attention_in", state)
        parts = joint.view(pairs, length, 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*parts, attn_mask=mask)
        mixed = mixed.transpose(1, 2).reshape(pairs, length, width)
        return self._product(number, "attention_out", mixed)

    def _product(self, number: int, part: str, state: Tensor) -> Tensor:
        down, up = (self.params[f"layer{number}.{part}.{end}"].to(HALF) for end in ("down", "up"))
        return functional.linear(state, *self._layers[number][part]) + functional.linear(
            functional.linear(state, down), up
        )

    def whole(self, head: str, state: Tensor, seen: Tensor) -> Tensor:
        """Weigh the tokens, and look at their mean; gives a logit for each pair."""
        name = f"{WHOLE}.{head}"
        fits = (state @ self.params[f"{name}.query"]).masked_fill(~seen, _UNSEEN)
        mean = (state * torch.softmax(fits, dim=1)[:, :, None]).sum(dim=1)
        return mean @ self.params[f"{name}.weight"] + self.params[f"{name}.bias"]

    def loss(self, pairs: Sequence[Pair]) -> Tensor:
        """Tell how wrong it is on a batch: whether there is an answer, and where."""
        ids, counts = _filled(pairs)
        state, seen = self.states(ids, counts)
        truth = torch.tensor([float(pair.is_answered) for pair in pairs])
        says = torch.tensor([pair.is_statement for pair in pairs])
        said = _surprise(self.whole(SAID, state, seen), truth)
        answered = _surprise(self.whole(ANSWERED, state, seen), truth)
        where = self._surprise_where(state, seen, pairs)
        return torch.where(says, said, answered + SPAN * where).mean()

    def _surprise_where(self, state: Tensor, seen: Tensor, pairs: Sequence[Pair]) -> Tensor:
        """Hold the places of the answer against the passage's; no answer is the first place."""
        place = torch.arange(state.shape[1])[None, :]
        passage_from = torch.tensor([pair.passage_from for pair in pairs])[:, None]
        is_possible = (seen & (place >= passage_from)) | (place == 0)
        total = torch.zeros(len(pairs))
        for end, name in enumerate(("begins", "ends")):
            logits = (state @ self.params[name]).masked_fill(~is_possible, _UNSEEN)
            right = torch.tensor([pair.answer[end] for pair in pairs])
            total = total + functional.cross_entropy(logits, right, reduction="none")
        return total


def _half(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(values.copy()).to(HALF)


def _surprise(logit: Tensor, truth: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logit, truth, reduction="none")


def _filled(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor]:
    counts = torch.tensor([len(pair.ids) for pair in pairs])
    ids = torch.zeros(len(pairs), int(counts.max()), dtype=torch.long)
    for row, pair in zip(ids, pairs, strict=True):
        row[: len(pair.ids)] = torch.from_numpy(pair.ids)
    return ids, counts


def fit(network: Network, pairs: Sequence[Pair], options: argparse.Namespace) -> Iterator[float]:
    """Train with a rate that rises for a short time and then falls to zero with the clock.

    Yields: the minutes, every ten of them and at the end.
    """
    rng = np.random.default_rng(options.seed)
    params = list(network.params.values())
    adam = torch.optim.AdamW(params, lr=0.0, weight_decay=0.01)
    began, told, losses = time.monotonic(), 0.0, []
    while True:
        drawn = [pair for pair in pairs if not pair.is_statement or rng.random() < STATEMENTS]
        for batch in batches(drawn, rng, most_tokens=TOKENS):
            minutes = (time.monotonic() - began) / 60
            done = minutes / options.minutes
            if done >= 1:
                yield minutes
                return
            if minutes - told >= 10:
                yield minutes
                told = (time.monotonic() - began) / 60
            adam.param_groups[0]["lr"] = options.rate * min(1.0, done / 0.04) * (1 - done)
            loss = network.loss(batch)
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.0)
            adam.step()
            losses.append(loss.item())
            if len(losses) % 50 == 0:
                print(f"{done:5.0%}  loss {np.mean(losses[-50:]):.4f}", flush=True)


@torch.no_grad()
def measured(network: Network, pairs: Sequence[Pair]) -> float | None:
    """Tell how often a pair with an answer has a higher logit than one without."""
    logits: dict[bool, list[float]] = {True: [], False: []}
    for batch in batches(pairs, np.random.default_rng(0), most_tokens=TOKENS):
        state, seen = network.states(*_filled(batch))
        for pair, logit in zip(batch, network.whole(ANSWERED, state, seen).tolist(), strict=True):
            logits[pair.is_answered].append(logit)
    return auroc(logits[True], logits[False])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=sets.DEFAULT)
    parser.add_argument("--cache", type=Path, default=Path(".home/training"), help="for the words")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--begin", type=Path, help="a file to go on from; left out: anew")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
