"""Personal data and secrets are counted, masked or kept back; their values are written nowhere."""

import pytest

from roadworthy.corpus.policies import CurationPolicy, policy_of
from roadworthy.ingestion.curation.curating import curate
from roadworthy.ingestion.curation.patterns import sightings
from roadworthy.ingestion.curation.sensitive import masked
from tests.ingestion.curation.documents import document, prose

VALUES = {
    "email": "ada.lovelace@example.org",
    "telephone": "+33 1 42 68 53 00",
    "iban": "DE89 3704 0044 0532 0130 00",
    "card": "4111 1111 1111 1111",
    "us_ssn": "219-09-9999",
    "fr_nir": "1 51 02 46 102 043 25",
    "ip_address": "203.0.113.7",
    "access_key": "AKIA" + "J3QWERTYU7OPLKHG",
    "assigned_secret": "q8Zr1Xw7Lm3Tn5Vb9Kc2",
    "password": "Tr0ub4dor&3zz",
    "address_with_password": "s3cr3t!Pw",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq9\n" * 5
    + "-----END RSA PRIVATE KEY-----",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEiLCJpIjo3fQ.c2lnbmF0dXJlLW9mLXRoaXM5",
}  # fmt: skip
WRITTEN = {
    "assigned_secret": "api_key = {}",
    "password": "Password: {}",
    "address_with_password": "postgres://roo:{}@db.internal/x",
}


def written(name):
    return "Note that " + WRITTEN.get(name, "it is {}").format(VALUES[name]) + " for the record."


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


KEY_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
KEYS = {
    "in-json": f'{{"private_key": "-----BEGIN PRIVATE KEY-----\\n{KEY_LINE}\\n{KEY_LINE}\\n'
    '-----END PRIVATE KEY-----\\n", "client_email": "',
    "of-16384-bits": "-----BEGIN RSA PRIVATE KEY-----\n"
    + f"{KEY_LINE}\n" * 190
    + "-----END RSA PRIVATE KEY-----\n",
    "with-a-version": "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2 (GNU/Linux)\n"
    f"Comment: ours <a@b>\n\n{KEY_LINE}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n",
    "encrypted": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
    f"DEK-Info: AES-256-CBC,5D\n\n{KEY_LINE}\n-----END RSA PRIVATE KEY-----\n",
    "cut-off": f"-----BEGIN EC PRIVATE KEY-----\n{KEY_LINE}\n{KEY_LINE[:20]}",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
def test_private_keys_are_masked_whole_in_each_of_their_shapes(text):
    [found, *_] = sightings(text)
    assert found.kind.name == "private_key"
    assert KEY_LINE[:20] not in masked(f"{text}. Then.", CurationPolicy(contact_data="allow"))
    assert masked(f"{text}. Then.", CurationPolicy()).endswith("Then.")


def test_a_key_that_is_only_spoken_of_is_none():
    text = "A file begins with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----."
    assert sightings(f"{text} {prose(1)}") == []


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


HIDDEN = {
    "call 24/7 5105 1051 0510 5100": "5100",
    "Mobile payment 12 4111 1111 1111 1111": "1111",
    "phone 123-45-6789 5": "6789",
    "Tel/SSN 078-05-1120 1990-01-02": "1120",
    "dial 192.168.1.20 5060": "168",
}


@pytest.mark.parametrize(("text", "secret"), HIDDEN.items())
@pytest.mark.parametrize("contact", ["allow", "mask"])
def test_what_is_allowed_hides_nothing_that_is_masked(text, secret, contact):
    policy = CurationPolicy(financial_data="mask", identity_data="mask", contact_data=contact)
    assert secret not in curate(document(text, title=text), policy).document.text
    assert secret not in curate(document("Other.", title=text), policy).document.title


@pytest.mark.parametrize("text", HIDDEN)
def test_what_is_allowed_hides_nothing_that_is_kept_back(text):
    policy = CurationPolicy(financial_data="quarantine", identity_data="quarantine")
    assert curate(document(text), policy).disposition == "quarantine"


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


def test_masked_values_are_nowhere():
    policy = policy_of(
        dict.fromkeys(("contact_data", "financial_data", "identity_data", "secrets"), "mask")
    )
    text = "\n".join(map(written, VALUES))
    curated = curate(document(text, title="Call +33 1 42 68 53 00"), policy)
    for value in VALUES.values():
        assert value not in curated.document.text
        assert value not in repr(curated)
    assert curated.document.title == "Call [telephone]"
    assert "[iban]" in curated.document.text
    [secrets] = [v for v in curated.verdicts if v.check == "secrets"]
    assert (secrets.outcome, secrets.figures["password"]) == ("changed", 1)


def test_a_secret_keeps_a_document_back_by_default():
    curated = curate(document(written("password")), CurationPolicy())
    assert curated.disposition == "quarantine"
    assert VALUES["password"] not in repr(curated.verdicts)


def test_personal_data_is_counted_by_default():
    curated = curate(document(f"{written('email')}\n{written('iban')}"), CurationPolicy())
    [found] = [v for v in curated.verdicts if v.check == "personal_data"]
    assert (found.outcome, dict(found.figures)) == ("pass", {"email": 1, "iban": 1})
    assert curated.disposition == "publish"
