"""Receivers are told at allowed origins alone, by requests that they can check."""

import pytest
from pydantic import TypeAdapter, ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.plumbing.settings import load_settings
from roadworthy.plumbing.webhook_settings import Origins
from roadworthy.plumbing.webhooks import origin_of, secret_of, signature

ORIGINS = TypeAdapter(Origins)
ALLOWED = ("https://hooks.example.com", "http://127.0.0.1:8080", "https://[::1]:8443")
KEY = "k" * 32


def test_the_signature_is_that_of_the_standard():
    """As the reference libraries of Standard Webhooks test themselves."""
    told = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_tenant_has_a_secret_of_its_own():
    secrets = {secret_of(key, tenant_id=tenant) for key in (KEY, "other") for tenant in (1, 2)}
    assert len(secrets) == 4
    assert all(len(each) == len("whsec_") + 44 for each in secrets)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://hooks.example.com/a?b=c", ALLOWED[0]),
        ("HTTPS://Hooks.Example.com", ALLOWED[0]),
        ("https://hooks.example.com:443/", ALLOWED[0]),
        ("http://127.0.0.1:8080/", ALLOWED[1]),
        ("https://[::1]:8443/x", ALLOWED[2]),
    ],
)
def test_an_address_of_an_allowed_origin_may_be_told(url, origin):
    assert origin_of(url, allowed=ALLOWED) == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com.evil.org/",
        "https://evil.org/hooks.example.com",
        "https://hooks.example.com@evil.org/",
        "https://evil.org@hooks.example.com/",
        "https://evil.org\\@hooks.example.com/",
        "https://hooks.example.com\\@evil.org/",
        "https://hooks.example.com#@evil.org/",
        "https://hooks.example.com%2eevil.org/",
        "//hooks.example.com/",
        "hooks.example.com",
        "https:///hooks.example.com",
        "http://127.0.0.1/",
        "http://127.1:8080/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "file:///etc/passwd",
        "https://hooks.example.com:port/",
        "https://[::1/",
    ],
)
def test_no_other_address_is_told(url):
    with pytest.raises(Invalid, match="webhook"):
        origin_of(url, allowed=ALLOWED)


def test_where_nothing_is_allowed_it_is_said_who_allows():
    with pytest.raises(Invalid, match=r"off here: an administrator .* webhook_origins"):
        origin_of("https://hooks.example.com/", allowed=())


def test_origins_are_read_in_one_way_of_writing_them():
    listed = "https://Hooks.Example.com/, https://a.example:443 http://localhost:80,https://[::1]:1"
    assert ORIGINS.validate_python(listed) == (
        "https://hooks.example.com",
        "https://a.example",
        "http://localhost",
        "https://[::1]:1",
    )


@pytest.mark.parametrize(
    "listed",
    [
        "http://hooks.example.com",
        "hooks.example.com",
        "https://",
        "https://*.example.com/hooks",
        "https://me:pw@example.com",
        "https://example.com?a=b",
        "ftp://localhost",
        "https://example.com:0x50",
        "https://bücher.example",
    ],
)
def test_what_is_no_origin_is_refused(listed):
    with pytest.raises(ValidationError):
        ORIGINS.validate_python(listed)


@pytest.mark.parametrize("key", [None, "short"])
def test_origins_need_a_key(key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = {"webhook_origins": "https://hooks.example.com", "webhook_key": key}
    with pytest.raises(Invalid, match="webhook_key"):
        load_settings({}, overrides=told)
    settings = load_settings({}, overrides=told | {"webhook_key": KEY})
    assert settings.masked()["webhook_origins"] == "https://hooks.example.com"
    assert settings.masked()["webhook_key"] == "*" * 10
