"""A vector means what the text means, and is the same to the last bit whoever asks."""

import base64
import json
import shutil
import struct
from math import erf

import numpy as np
import pytest

from roadworthy.gateway.engine.catalogue import E5_SMALL, MINILM
from roadworthy.gateway.engine.e5_file import E5File
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.graph import save
from roadworthy.gateway.engine.minilm_file import read_encoder
from roadworthy.gateway.engine.tokens import TOKENIZER_FILE, open_tokens
from roadworthy.gateway.engine.weights import verified

QUESTION = "query: Where can I renew my passport?"
FRENCH = "passage: Vous pouvez renouveler votre passeport à la mairie."
OTHER = "passage: Photosynthesis turns light, water and carbon dioxide into sugar."


def vector(embedder, text):
    return embedder.embed(text).vector


def test_a_vector_has_unit_length_and_the_declared_dimension(embedder):
    found = [vector(embedder, text) for text in (QUESTION, FRENCH, "a", "x " * 2000)]
    assert {one.shape for one in found} == {(embedder.model.dimension,)}
    assert [float(np.linalg.norm(one)) for one in found] == pytest.approx([1.0] * 4, abs=1e-5)


def test_a_question_is_nearer_to_its_answer_in_another_language(model_folders):
    e5 = Embedder(E5_SMALL, model_folders["e5-small"])
    question = vector(e5, QUESTION)
    assert question @ vector(e5, FRENCH) > question @ vector(e5, OTHER) + 0.05


def test_minilm_finds_a_paraphrase(model_folders):
    minilm = Embedder(MINILM, model_folders["minilm"])
    asked = vector(minilm, "How do I renew a passport?")
    assert asked @ vector(minilm, "Renewing your travel document") > 0.4
    assert asked @ vector(minilm, OTHER) < 0.1


def test_the_8_bit_graph_follows_the_32_bit_arithmetic(embedder, model_folders):
    encoder = reference(embedder.model)
    tokens = open_tokens(model_folders[embedder.model.name])
    for text in (QUESTION, FRENCH, OTHER, "passage: 東京は日本の首都である。"):
        ids, _ = tokens.cut(text, max_tokens=512)
        assert vector(embedder, text) @ exact(encoder, ids) > 0.99


def test_a_long_text_is_cut_and_says_so(embedder):
    found = embedder.embed("word " * 1000)
    assert found.is_truncated
    assert found.tokens == embedder.model.max_tokens


def test_a_text_gets_the_same_bits_alone_and_among_others(client):
    others = [f"passage: {'filler ' * n}" for n in range(1, 40)]
    alone = vectors(client, [QUESTION])[0]
    assert vectors(client, [*others, QUESTION, *others])[len(others)] == alone
    assert vectors(client, [QUESTION])[0] == alone


def test_a_vector_is_the_same_to_the_last_bit_wherever_the_graph_is_cut(tmp_path, model_folders):
    whole = model_folders["minilm"]
    shutil.copy(whole / TOKENIZER_FILE, tmp_path)
    save(reference(MINILM), tmp_path, lower_layers=3)
    cut = Embedder(MINILM, tmp_path)
    assert MINILM.lower_layers != 3
    for text in (QUESTION, FRENCH, OTHER):
        assert (vector(cut, text) == vector(Embedder(MINILM, whole), text)).all()


def test_base64_holds_the_same_numbers_as_float(client):
    body = {"model": "e5-small", "input": QUESTION}
    [row] = client.post("/v1/embeddings", json=body).json()["data"]
    packed = struct.pack("<384f", *row["embedding"])
    assert vectors(client, [QUESTION]) == [packed]


def vectors(client, texts):
    body = {"model": "e5-small", "input": texts, "encoding_format": "base64"}
    answer = client.post("/v1/embeddings", content=json.dumps(body)).json()
    assert [row["index"] for row in answer["data"]] == list(range(len(texts)))
    return [base64.b64decode(row["embedding"]) for row in answer["data"]]


def reference(model):
    path = verified(model.weights)
    if model is MINILM:
        return read_encoder(path)
    file = E5File(path)
    try:
        return file.encoder()
    finally:
        file.close()


def exact(encoder, ids):
    """Run the encoder as the BERT paper has it, in plain NumPy."""
    words = encoder.words
    rows = words.codes[ids].astype(np.float32) - (1 << (words.bits - 1))
    x = rows * np.repeat(words.scales[ids], 32, axis=1) + encoder.positions[: len(ids)]
    x = normed(x, encoder.norm, encoder.epsilon)
    for layer in encoder.layers:
        mixed = attention(x @ layer.attention_in.weight.T + layer.attention_in.bias, encoder.heads)
        change = mixed @ layer.attention_out.weight.T + layer.attention_out.bias
        x = normed(x + change, layer.attention_norm, encoder.epsilon)
        inner = gelu(x @ layer.inner.weight.T + layer.inner.bias)
        change = inner @ layer.outer.weight.T + layer.outer.bias
        x = normed(x + change, layer.outer_norm, encoder.epsilon)
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def attention(joint, heads):
    query, key, value = (
        part.reshape(len(joint), heads, -1).swapaxes(0, 1) for part in np.split(joint, 3, axis=1)
    )
    scores = np.exp(query @ key.swapaxes(1, 2) / np.sqrt(query.shape[2]))
    shares = scores / scores.sum(axis=2, keepdims=True)
    return (shares @ value).swapaxes(0, 1).reshape(len(joint), -1)


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2))).astype(np.float32)


def normed(x, norm, epsilon):
    centred = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return centred / deviation * norm.weight + norm.bias
