"""Values of each kind of data that a person or a system would not want to see copied."""

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
