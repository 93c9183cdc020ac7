"""Convert one model's weights into the form that the engine runs.

`python -m roadworthy.gateway.engine.convert NAME FOLDER` does it in a process of its own, because
it needs the memory of the whole unpacked model, which the engine must not keep. Each line that it
prints is a fraction and what comes next.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.gateway.engine.catalogue import (
    E5_SMALL,
    EMBEDDING_MODELS,
    MINILM,
    EmbeddingModel,
)
from roadworthy.gateway.engine.classifier_graph import save_classifier
from roadworthy.gateway.engine.e5_file import E5File
from roadworthy.gateway.engine.encoder import Encoder
from roadworthy.gateway.engine.graph import save
from roadworthy.gateway.engine.minilm_file import read_encoder
from roadworthy.gateway.engine.pieces import save_pieces
from roadworthy.gateway.engine.tokens import TOKENIZER_FILE
from roadworthy.gateway.engine.weights import verified

FAILED = 1


def convert(model: EmbeddingModel, folder: Path) -> Iterator[tuple[float, str]]:
    """Write graph and tokenizer of `model` into the empty `folder`.

    Yields:
        The fraction done, from 0 to 1, and what comes next.

    Raises:
        Unavailable: the weights are missing or not the expected ones.
    """
    yield 0.0, "checking the weights"
    weights = verified(model.weights)
    yield 0.2, "unpacking the weights"
    encoder = _READERS[model.name](model, weights, folder)
    yield 0.6, "building the graphs"
    save(encoder, folder, lower_layers=model.lower_layers)
    for classifier in model.classifiers:
        yield 0.8, f"building the classifier {classifier.name}"
        save_classifier(classifier, encoder, folder)
    yield 1.0, "converted"


def _read_e5(_: EmbeddingModel, weights: Path, folder: Path) -> Encoder:
    file = E5File(weights)
    save_pieces(file.pieces, folder)
    encoder = file.encoder()
    file.close()
    return encoder


def _read_minilm(model: EmbeddingModel, weights: Path, folder: Path) -> Encoder:
    assert model.tokenizer is not None
    tokenizer = Tokenizer.from_file(str(verified(model.tokenizer)))
    tokenizer.no_truncation()  # the published file cuts at 128 tokens and fills up to them
    tokenizer.no_padding()
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    return read_encoder(weights)


_READERS = {E5_SMALL.name: _read_e5, MINILM.name: _read_minilm}


def main(arguments: list[str]) -> int:
    """Convert the named model, with progress on the output; return the exit status."""
    try:
        name, folder = arguments
        for fraction, step in convert(EMBEDDING_MODELS[name], Path(folder)):
            print(f"{fraction:.2f} {step}", flush=True)  # noqa: T201
    except (ValueError, KeyError):
        return _fail(Invalid(f"usage: convert {{{','.join(EMBEDDING_MODELS)}}} FOLDER"))
    except RoadworthyError as error:
        return _fail(error)
    return 0


def _fail(error: RoadworthyError) -> int:
    print(error.message, file=sys.stderr)  # noqa: T201
    return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
