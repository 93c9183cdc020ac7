"""Personal data and secrets are found in any script, and what only looks like them is not."""

import pytest

from roadworthy.detectors.patterns import sightings
from tests.detectors.values import VALUES, written


@pytest.mark.parametrize("name", VALUES)
def test_each_kind_is_found_where_it_stands(name):
    text = written(name)
    [found] = sightings(text)
    # The password and the host look like one of mail, and go with it.
    whole = VALUES[name] + ("@db.internal" if name == "address_with_password" else "")
    assert (found.kind.name, text[found.start : found.end]) == (name, whole)


def test_a_password_in_an_address_is_a_secret_and_no_mail():
    [found] = sightings("postgres://reporting:NvKxDW2mTCb9tK@db.internal:5432/sales")
    assert found.kind.name == "address_with_password"


def test_a_key_that_is_only_spoken_of_is_none():
    text = "A file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----."
    assert sightings(f"{text} The rest of it is a secret that nobody writes down.") == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("password", "dbPassword: hunter2xyz"),
        ("assigned_secret", "refreshToken: q8Zr1Xw7Lm3Tn5Vb9Kc2"),
        ("assigned_secret", "AccountKey=q8Zr1Xw7Lm3Tn5Vb9Kc2q8Zr1Xw7Lm3Tn5Vb9Kc2=="),
        ("assigned_secret", "AWS_SECRET_ACCESS_KEY=q8Zr1Xw7Lm3Tn5Vb9Kc2"),
        ("email", "邮箱zhang.wei@example.com。"),
        ("email", "메일은 ada@example.com으로"),
        ("email", "élodie.martin@acme.fr"),
        ("email", "Écrire à élodie@acme.fr"),
        ("email", "müller@bücher.example"),
        ("email", "_ops@acme.org"),
        ("email", "пишите на иван.петров@acme.org"),
        ("card", "卡号4111111111111111是"),
        ("card", "card 4111\u00a01111\u00a01111\u00a01111"),
        ("card", "بطاقة ٤١١١١١١١١١١١١١١١"),
        ("iban", "账号DE89370400440532013000"),
        ("iban", "DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00"),
        ("ip_address", "服务器203.0.113.7的地址"),
        ("telephone", "手机号13812345678"),
        ("telephone", "هاتف: ٠٥٠١٢٣٤٥٦٧"),
        ("telephone", "電話０５０１２３４５６７８"),
        ("telephone", "Тел 4951234567"),
    ],
)  # fmt: skip
def test_values_are_found_in_any_script_and_spelling(name, text):
    [found] = sightings(text)
    assert found.kind.name == name


def test_an_account_number_that_was_misread_is_none():
    assert [each.kind.name for each in sightings("Pay GB82 WİST 1234 5698 7654 32 please")] == []


@pytest.mark.parametrize(
    "text",
    [
        "IBAN DE89 3704 0044 0532 0130 01",  # its check digits are wrong
        "card 4111 1111 1111 1112",
        "1 51 02 46 102 043 26",
        "000-12-3456",
        "password: changeme",
        "password: <your-password>",
        "api_key = YOUR_API_KEY_GOES_HERE",
        "token: xxxxxxxxxxxxxxxxxxxxxxxx",
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://user:password@host/db",
        "on 2024-01-31 and 31.01.2024 the version 10.4.12 cost 1 250 000 euros",
        "listen on 127.0.0.1",
        "commit 5f4dcc3b5aa765d61d8327deb882cf99",
        "the password must have twelve characters",
        "npm install react@16.13.1 and left-pad@1.3.0",
        "A tokenizer = WordPieceTokenizerFast32, a keyboard: qwertz",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert [found.kind.name for found in sightings(text)] == []
