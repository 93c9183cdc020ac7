"""Personal data and secrets are counted, masked or kept back; their values are written nowhere."""

import pytest

from roadworthy.corpus.policies import CurationPolicy, policy_of
from roadworthy.detectors.patterns import sightings
from roadworthy.ingestion.curation.curating import curate
from roadworthy.ingestion.curation.sensitive import masked
from tests.detectors.values import VALUES, written
from tests.ingestion.curation.documents import document

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
