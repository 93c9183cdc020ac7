"""Settings are read once, the last word wins, and what is wrong is refused by its name."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from roadworthy.core.errors import Invalid
from roadworthy.plumbing.settings import PREFIX, Settings, load_settings, process_locales


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder, text, name="roadworthy.toml"):
    (folder / name).write_text(text, "utf-8")
    return folder / name


def test_every_setting_has_a_default_and_a_description():
    load_settings({})
    assert all(field.description for field in Settings.model_fields.values())


def test_no_secret_has_a_default():
    settings = load_settings({})
    named = [n for n in Settings.model_fields if n.endswith(("_key", "database_url"))]
    assert named
    assert [getattr(settings, name) for name in named] == [None] * len(named)


def test_the_last_word_wins(tmp_path):
    write(tmp_path, "port = 1001\nhost = '::1'\nlog_level = 'debug'")
    environ = {"ROADWORTHY_PORT": "1002", "ROADWORTHY_HOST": "::2"}
    settings = load_settings(environ, overrides={"port": 1003, "host": None})
    assert (settings.port, settings.host, settings.log_level) == (1003, "::2", "debug")


def test_a_file_is_found_where_the_environment_says(tmp_path):
    path = write(tmp_path, "port = 1001", name="else.toml")
    assert load_settings({"ROADWORTHY_CONFIG": str(path)}).port == 1001
    with pytest.raises(Invalid, match="does not exist"):
        load_settings({"ROADWORTHY_CONFIG": str(tmp_path / "none.toml")})


def test_an_empty_value_means_the_default():
    assert load_settings({"ROADWORTHY_PORT": ""}).port == 8600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "0"),
        ("port", "x"),
        ("chat_url", "localhost:1"),
        ("chat_url", "file:///etc/passwd"),
        ("database_url", "mysql://x"),
        ("log_level", "loud"),
        ("log_level", "info\n"),
        ("model_timeout_s", "nan"),
        ("model_timeout_s", "inf"),
        ("max_upload_mb", "0"),
        ("engine_threads", "0"),
        ("broker_url", "http://x"),
        ("broker_url", "amqp://"),
        ("broker_url", "kafka://user:word@x:9092"),
        ("broker_url", "kafka://x:9092/path"),
        ("broker_url", "amqp://user:can/ary@x:5672/"),
        ("broker_url", "amqp://user:[canary]@x/"),
        ("broker_url", "amqp://user:canary@x:56x/"),
        ("broker_url", "amqp://user:canary@x:99999/"),
        ("broker_url", "amqp://user:canary@x:0/"),
        ("broker_url", "kafka://x:90x"),
        ("broker_url", "kafka://x:9092,y:"),
        ("broker_queue", "a b"),
        ("max_queued_jobs", "0"),
    ],
)
def test_an_unusable_value_is_refused_by_name(name, value):
    with pytest.raises(Invalid, match=f"{PREFIX}{name.upper()}") as raised:
        load_settings({PREFIX + name.upper(): value})
    assert raised.value.facts["setting"] == name


def test_more_overlap_than_a_passage_holds_is_refused_at_the_start():
    """Or every document that is handed in would fail later."""
    with pytest.raises(Invalid, match="overlap"):
        load_settings(
            {"ROADWORTHY_PASSAGE_TOKENS": "64", "ROADWORTHY_PASSAGE_OVERLAP_TOKENS": "64"}
        )


@pytest.mark.parametrize("name", ["ROADWORTHY_PROT", "ROADWORTHY_", "ROADWORTHY_MODEL_CONFIG"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(Invalid, match=name):
        load_settings({name: "1"})


@pytest.mark.parametrize("text", ["prot = 1", "[port]\nx = 1", "port = ", "port = '\\ud800'"])
def test_a_file_that_says_something_else_is_refused(tmp_path, text):
    write(tmp_path, text)
    with pytest.raises(Invalid):
        load_settings({})


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "roadworthy.toml").write_bytes(b"host = '\xff'")
    with pytest.raises(Invalid, match="TOML"):
        load_settings({})


ELSEWHERE = {
    "ROADWORTHY_EMBEDDINGS_URL": "http://127.0.0.1:9/v1",
    "ROADWORTHY_CHAT_URL": "http://127.0.0.1:9/v1",
}


@pytest.mark.parametrize(
    ("environ", "needed"),
    [
        ({}, True),
        (ELSEWHERE, False),
        (ELSEWHERE | {"ROADWORTHY_RERANK_MODEL": "e5-small"}, True),
        (
            ELSEWHERE
            | {"ROADWORTHY_RERANK_MODEL": "m", "ROADWORTHY_RERANK_URL": "http://127.0.0.1:9"},
            False,
        ),
    ],
)
def test_an_engine_is_needed_where_anything_is_left_for_it(environ, needed):
    assert load_settings(environ=environ).needs_engine == needed


def test_settings_never_change():
    with pytest.raises(ValidationError):
        load_settings({}).port = 1


SECRETS = {
    "database_url": "postgresql://ana:s3cret@db/x",
    "database_app_url": "postgresql://ana:s3cret@db/x",
    "embeddings_key": "s3cret",
    "chat_key": "s3cret",
    "pseudonym_key": "s3cret",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_never_shown(name):
    settings = load_settings({PREFIX + name.upper(): SECRETS[name]})
    assert "s3cret" not in settings.masked()[name]
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["https://ana:s3cret@models.example/v1", "https://models.example/v1?key=s3cret"]
)
def test_a_secret_inside_a_shown_address_is_refused(url):
    with pytest.raises(Invalid, match="password or query") as raised:
        load_settings({"ROADWORTHY_CHAT_URL": url})
    assert "s3cret" not in raised.value.message


@pytest.mark.parametrize("name", ["database_url", "chat_url"])
def test_a_refusal_does_not_repeat_the_secret(name):
    with pytest.raises(Invalid) as raised:
        load_settings({PREFIX + name.upper(): "ana:s3cret@db"})
    assert "s3cret" not in f"{raised.value.message} {raised.value.facts}"


@given(
    st.dictionaries(
        st.sampled_from([PREFIX + name.upper() for name in Settings.model_fields]),
        st.text(max_size=20),
        max_size=3,
    )
)
def test_any_environment_gives_settings_or_a_refusal(environ):
    with contextlib.suppress(Invalid):
        assert isinstance(load_settings(environ), Settings)


def test_locales_are_those_of_the_process():
    environ = {"LC_ALL": "fr_FR.UTF-8", "LANG": "C", "LC_TIME": "", "LANGUAGE": "de"}
    assert process_locales(environ) == {"LANG": "C", "LC_ALL": "fr_FR.UTF-8"}


URL = "https://vendor.example/v1"
ENDPOINTS = f"""
[endpoints.vendor]
url = "{URL}/"
key = "s3cret-of-file"
requests_per_minute = 60
capabilities = ["json_schema"]
"""


def test_endpoints_are_read_from_the_file(tmp_path):
    write(tmp_path, ENDPOINTS)
    vendor = load_settings({}).endpoints["vendor"]
    assert (vendor.url, vendor.requests_per_minute) == (URL, 60)
    assert vendor.key.get_secret_value() == "s3cret-of-file"


def test_endpoints_are_read_from_the_environment():
    environ = {"ROADWORTHY_ENDPOINTS": f'{{"vendor": {{"url": "{URL}"}}}}'}
    assert load_settings(environ).endpoints["vendor"].url == URL


def test_the_key_of_an_endpoint_may_stand_in_the_environment(tmp_path):
    write(tmp_path, ENDPOINTS)
    settings = load_settings({"ROADWORTHY_ENDPOINT_VENDOR_KEY": "s3cret-of-environment"})
    assert settings.endpoints["vendor"].key.get_secret_value() == "s3cret-of-environment"


def test_no_key_of_an_endpoint_is_shown(tmp_path):
    write(tmp_path, ENDPOINTS)
    settings = load_settings({})
    assert "s3cret" not in f"{settings.masked()} {settings!r}"
    assert URL in settings.masked()["endpoints"]
    assert "**" in settings.masked()["endpoints"]


@pytest.mark.parametrize(
    ("endpoints", "word"),
    [
        ('{"vendor": {"key": "s3cret"}}', "endpoints.vendor .* its url"),
        ('{"vendor": {"url": "", "key": "s3cret"}}', "endpoints.vendor .* its url"),
        ('{"vendor": {"kind": "anthropic"}}', "endpoints.vendor .* its key"),
        ('{"vendor": {"kind": "bedrock", "key": "s3cret"}}', "endpoints.vendor .* its url"),
        (
            '{"vendor": {"kind": "bedrock", "url": "https://b", "capabilities": ["logprobs"]}}',
            "endpoints.vendor .* logprobs",
        ),
        ('{"vendor": {"kind": "s3cret"}}', "endpoints.vendor.kind"),
        ('{"vendor": {"url": "https://a:s3cret@b/v1"}}', "endpoints.vendor.url"),
        ('{"vendor": {"url": "https://b/v1", "kee": "s3cret"}}', "endpoints.vendor.kee"),
        ('{"vendor": {"url": "https://b/v1", "capabilities": ["s3cret"]}}', "capabilities"),
        ('{"vendor": "s3cret"}', "endpoints.vendor"),
        ('{"chat": {"url": "https://b/v1"}}', "chat_url"),
        ('{"Vendor": {"url": "https://b/v1"}}', "endpoints.Vendor"),
        ('{"vendor": {"key": "s3cret"', "JSON"),
        ('"s3cret"', "endpoints"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_by_name_and_not_shown(endpoints, word):
    with pytest.raises(Invalid, match=word) as raised:
        load_settings({"ROADWORTHY_ENDPOINTS": endpoints})
    assert "ROADWORTHY_ENDPOINTS" in raised.value.message
    assert "s3cret" not in f"{raised.value.message} {raised.value.facts}"


def test_a_key_for_no_endpoint_is_refused():
    with pytest.raises(Invalid, match=r"\[endpoints\.vendor\]") as raised:
        load_settings({"ROADWORTHY_ENDPOINT_VENDOR_KEY": "s3cret"})
    assert "s3cret" not in raised.value.message
