"""Personal data and secrets are counted, masked or kept back; their values are written nowhere."""

import pytest

from roadworthy.corpus.policies import CurationPolicy, policy_of
from roadworthy.ingestion.curation.curating import curate
from roadworthy.ingestion.curation.patterns import sightings
from tests.ingestion.curation.documents import document

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
    assert (found.kind.name, text[found.start : found.end]) == (name, VALUES[name])


def test_a_password_in_an_address_is_a_secret_and_no_mail():
    [found] = sightings("postgres://reporting:NvKxDW2mTCb9tK@db.internal:5432/sales")
    assert found.kind.name == "address_with_password"


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
