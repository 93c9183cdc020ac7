"""The engine's small tokenizer cuts exactly as the `tokenizers` file beside the model says."""

import random

import pytest
from tokenizers import Tokenizer

from roadworthy.gateway.engine.tokens import TOKENIZER_FILE, open_tokens

TEXTS = [
    "",
    " ",
    "  two  spaces\tand\na line ",
    "query: Où est la gare de Lyon ?",
    "passage: 東京は日本の首都であり、世界最大の都市圏の一つである。",
    "Привет, как дела? مرحبا بالعالم · नमस्ते · สวัสดีชาวโลก",
    "ﬁne ① ½ Ａ e\u0301 \u200b\ufeff \u00a0 ▁ 👩‍🚀🏽 \x07\x1b",
    "</s> <s> <unk> <mask> [CLS]",
    "𓀀𓀁𓀂 unknown 𓀃 neighbours",
    "a" * 700,
    "東" * 700,
]


@pytest.fixture(scope="module", params=["e5-small", "minilm"])
def pair(request, model_folders):
    folder = model_folders[request.param]
    return open_tokens(folder), Tokenizer.from_file(str(folder / TOKENIZER_FILE))


@pytest.mark.parametrize("text", TEXTS)
def test_known_troublemakers_are_cut_alike(pair, text):
    ours, library = pair
    assert list(ours.cut(text, max_tokens=10_000)[0]) == library.encode(text).ids


def test_random_texts_are_cut_alike(pair):
    ours, library = pair
    chance = random.Random(7)  # noqa: S311 - repeatable
    ranges = [
        (32, 126),
        (160, 591),
        (880, 1279),
        (0x600, 0x6FF),
        (0x3040, 0x30FF),
        (0x1F300, 0x1F64F),
    ]
    for _ in range(300):
        low, high = chance.choice(ranges)
        letters = [chr(chance.randint(low, high)) for _ in range(20)] + [" "] * 4
        text = "".join(chance.choice(letters) for _ in range(chance.randint(1, 80)))
        assert list(ours.cut(text, max_tokens=10_000)[0]) == library.encode(text).ids, ascii(text)


@pytest.mark.parametrize(("words", "is_cut"), [(6, False), (7, True)])
def test_the_end_token_stays_when_a_text_is_cut(pair, words, is_cut):
    ours, library = pair
    full = library.encode("a " * words).ids
    ids, was_cut = ours.cut("a " * words, max_tokens=len(library.encode("a " * 6).ids))
    assert was_cut == is_cut
    assert ids[-1] == full[-1]


def test_a_document_cannot_write_special_tokens(pair):
    ours, _ = pair
    plain, _ = ours.cut("", max_tokens=10)
    assert len(plain) == 2
