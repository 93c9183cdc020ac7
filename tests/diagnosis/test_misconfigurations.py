"""What is set wrong is refused, or told with its name and a mend; what is right never is.

One installation is prepared: a corpus in English and French, English routed to a space of its own,
golden probes of both. Each test breaks a copy of it in one way.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from roadworthy.bootstrap import database_urls
from roadworthy.core.clock import now
from roadworthy.corpus.lead import to_embed
from roadworthy.corpus.terms import METHOD
from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.machine import check_machine
from roadworthy.plumbing.settings import load_settings
from tests.command_line import CommandLine, command_line
from tests.postgres_cluster import database_name
from tests.world import turned_vector, words_vector

THINGS = "pump valve boiler crane rudder anchor engine winch hatch mast".split()  # noqa: SIM905
CHOSES = "pompe vanne chaudière grue gouvernail ancre moteur treuil écoutille mât".split()  # noqa: SIM905
ENGLISH = "The {} of the harbour boat is looked after by engineer number {} in every month."
FRENCH = "L'ingénieur numéro {1} du port s'occupe chaque mois de la {0} du grand bateau blanc."
FURTHER = {"turned-en": turned_vector}
BEST = "Who looks after the boiler of the boat?"


def report(cli: CommandLine, **environ: str) -> tuple[int, dict[str, dict]]:
    """Run doctor; give its exit code and its faults by name."""
    done = cli.run("doctor", "--json", environ=environ)
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, {check["name"]: check for check in checks if not check["ok"]}


def run(cli: CommandLine, *words: str) -> str:
    done = cli.run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def texts(sentence: str, things: list[str]) -> dict[str, str]:
    return {thing: "\n\n".join(sentence.format(thing, n) for n in range(3)) for thing in things}


@pytest.fixture(scope="module")
def prepared(postgres_cluster, model_server, tmp_path_factory):
    """The url of a whole installation that is as it should be, and its home."""
    home = tmp_path_factory.mktemp("prepared")
    model_server.forget()
    model_server.further = dict(FURTHER)
    with postgres_cluster.fresh_database() as url:
        cli = told(home, url, model_server)
        documents = home / "documents"
        documents.mkdir()
        for name, text in (texts(ENGLISH, THINGS) | texts(FRENCH, CHOSES)).items():
            (documents / f"{name}.txt").write_text(text)
        run(cli, "migrate")
        run(cli, "ingest", str(documents))
        run(cli, "space", "add", "turned-en", "--language", "en")
        run(cli, "corpus", "route", "main", "--language", "en", "--space", "turned-en")
        superuser = postgres_cluster.server.superuser_url(database_name(url))
        with psycopg.connect(superuser) as conn:
            [[boiler]] = conn.execute("SELECT id FROM document WHERE name LIKE '%boiler%'")
        quote = ["--quote", "The boiler of the harbour boat"]
        run(cli, "corpus", "probe", "add", "main", BEST, "--document", str(boiler), *quote)
        yield url, home


ANOTHER_MARK = f"""
INSERT INTO pseudonym_key (mark, created_at) VALUES ('{"0" * 32}', now())
ON CONFLICT (is_only) DO UPDATE SET mark = excluded.mark
"""


def told(home: Path, url: str, models) -> CommandLine:
    cli = command_line(home=home, database_url=url, models_url=models.url)
    more = {"ROADWORTHY_PASSAGE_TOKENS": "32", "ROADWORTHY_STAGE": "test"}
    return dataclasses.replace(cli, environ=cli.environ | more)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A copy of the installation, to be broken."""

    cli: CommandLine
    models: object
    superuser: psycopg.Connection
    home: Path


@pytest.fixture
def place(prepared, postgres_cluster, models, tmp_path):
    url, home = prepared
    shutil.copy2(home / "pseudonym.key", tmp_path)
    copy = f"{database_name(url)}_copy"
    server = postgres_cluster.server
    with psycopg.connect(server.superuser_url(), autocommit=True) as conn:
        clone = "CREATE DATABASE {} TEMPLATE {} OWNER roadworthy_owner STRATEGY FILE_COPY"
        names = (sql.Identifier(copy), sql.Identifier(database_name(url)))
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0])
        conn.execute(drop)
        conn.execute(sql.SQL(clone).format(*names))
        models.further = dict(FURTHER)
        try:
            with psycopg.connect(server.superuser_url(copy), autocommit=True) as superuser:
                cli = told(tmp_path, postgres_cluster.owner_url(copy), models)
                yield Place(cli=cli, models=models, superuser=superuser, home=tmp_path)
        finally:
            conn.execute(drop)


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One thing set wrong, and what doctor calls it by."""

    what: str
    check: str  # the name of the check, or how it begins
    word: str  # that its sentence or its mend names
    environ: dict[str, str] = field(default_factory=dict)
    statement: str = ""  # run by the superuser
    break_: Callable[[Place], None] = lambda _: None


def exchanged(place: Place) -> None:
    place.models.embed, place.models.further = turned_vector, {"turned-en": words_vector}


def serve(embed) -> Callable[[Place], None]:
    def break_(place: Place) -> None:
        place.models.embed = embed

    return break_


def without_prefix(place: Place) -> None:
    """Store the vectors that come out when passages get a prefix that their space knows not of."""
    rows = place.superuser.execute(
        "SELECT passage.id, text, heading, title FROM passage JOIN document ON document.id ="
        " document_id"
    ).fetchall()
    for number, text, heading, title in rows:
        vector = words_vector("passage: " + to_embed(text, title=title, heading=heading))
        place.superuser.execute(
            "UPDATE embedding SET vector = %s::halfvec WHERE passage_id = %s AND space_id = 1",
            (str(vector.tolist()), number),
        )


def another_revision(place: Place) -> None:
    place.models.revision = "2"


def open_key(place: Place) -> None:
    (place.home / "pseudonym.key").write_text("k" * 43)
    (place.home / "pseudonym.key").chmod(0o644)


def unknown_in_file(place: Place) -> None:
    (place.home / "roadworthy.toml").write_text('embedings_model = "words"')


def no_home(place: Place) -> None:
    (place.home / "file").write_text("")


def more_words(place: Place) -> None:
    """Publish what no longer holds the quote of the probe."""
    (place.home / "documents").mkdir()
    (place.home / "documents" / "boiler.txt").write_text("Nothing of it is left on board today.")
    run(place.cli, "ingest", str(place.home / "documents"))


SWAP = """
UPDATE embedding SET vector = other.vector FROM embedding AS other
 WHERE other.passage_id = embedding.passage_id AND other.space_id <> embedding.space_id
"""
EN, FR = "corpus main of main: en", "corpus main of main: fr"
DOWN = "http://127.0.0.1:9/v1"

WRONGS = [
    # Names and forms of settings.
    Wrong(
        what="an unknown setting",
        check="settings",
        word="ROADWORTHY_EMBEDINGS_URL",
        environ={"ROADWORTHY_EMBEDINGS_URL": "http://127.0.0.1"},
    ),
    Wrong(what="an unknown name in the file", check="settings", word="embedings_model",
          break_=unknown_in_file),
    Wrong(what="a file that is not there", check="settings", word="ROADWORTHY_CONFIG",
          environ={"ROADWORTHY_CONFIG": "none.toml"}),
    Wrong(what="a port out of range", check="settings", word="ROADWORTHY_PORT",
          environ={"ROADWORTHY_PORT": "86000"}),
    Wrong(what="a url without its scheme", check="settings", word="embeddings_url",
          environ={"ROADWORTHY_EMBEDDINGS_URL": "127.0.0.1:9/v1"}),
    Wrong(what="a key inside a url", check="settings", word="chat_url",
          environ={"ROADWORTHY_CHAT_URL": "http://me:key@127.0.0.1:9/v1"}),
    Wrong(what="a database of another kind", check="settings", word="database_url",
          environ={"ROADWORTHY_DATABASE_URL": "mysql://127.0.0.1/x"}),
    Wrong(what="an overlap that does not fit", check="settings", word="passage_overlap_tokens",
          environ={"ROADWORTHY_PASSAGE_OVERLAP_TOKENS": "30"}),
    # Locales.
    Wrong(what="a region that is none", check="locale", word="ROADWORTHY_LOCALE",
          environ={"ROADWORTHY_LOCALE": "fr_XX"}),
    Wrong(what="a name for a locale", check="locale", word="LC_ALL",
          environ={"LC_ALL": "french"}),
    Wrong(what="a tag that ends early", check="locale", word="LANG", environ={"LANG": "es-419-"}),
    Wrong(what="two codesets", check="locale", word="LC_MESSAGES",
          environ={"LC_MESSAGES": "en_US.UTF-8.UTF-8"}),
    Wrong(what="a language that is none", check="locale", word="LANG",
          environ={"LANG": "xq_FR.UTF-8"}),
    # The machine and its secrets.
    Wrong(what="a home that cannot be written", check="home", word="ROADWORTHY_HOME",
          break_=no_home, environ={"ROADWORTHY_HOME": "file"}),
    Wrong(what="a tokenizer that is not there", check="tokenizer", word="tokenizer_file",
          environ={"ROADWORTHY_TOKENIZER_FILE": "none.json"}),
    Wrong(what="a default key", check="secrets", word="pseudonym_key",
          environ={"ROADWORTHY_PSEUDONYM_KEY": "changeme"}),
    Wrong(what="a short key", check="secrets", word="pseudonym_key",
          environ={"ROADWORTHY_PSEUDONYM_KEY": "r4Tz!9q"}),
    Wrong(what="a default password", check="secrets", word="database_url",
          environ={"ROADWORTHY_DATABASE_URL": "postgresql://postgres:postgres@127.0.0.1:9/x"}),
    Wrong(what="a secret that others can read", check="secrets", word="chmod 600",
          break_=open_key),
    # The database.
    Wrong(what="the database of another stage", check="stage", word="ROADWORTHY_STAGE",
          environ={"ROADWORTHY_STAGE": "production"}),
    Wrong(what="the database of a stage, by settings of none", check="stage",
          word="ROADWORTHY_STAGE", environ={"ROADWORTHY_STAGE": ""}),
    Wrong(what="another key of pseudonyms than the traces' own", check="pseudonyms",
          word="ROADWORTHY_PSEUDONYM_KEY",
          statement=ANOTHER_MARK),
    Wrong(what="a database that was never taken into use", check="stage",
          word="roadworthy migrate", statement="DELETE FROM installation"),
    Wrong(what="a database that does not answer", check="database", word="URL",
          environ={"ROADWORTHY_DATABASE_URL": "postgresql://o:p9w8e7r6@127.0.0.1:9/x"}),
    Wrong(what="an older schema", check="migrations", word="roadworthy migrate",
          statement="DELETE FROM schema_migration WHERE name LIKE 'repeatable/%'"),
    Wrong(what="a newer schema", check="migrations", word="9999",
          statement="INSERT INTO schema_migration VALUES ('9999_later.sql', 'x', now())"),
    Wrong(what="a changed migration", check="migrations", word="0002",
          statement="UPDATE schema_migration SET checksum = 'x' WHERE name LIKE '0002%'"),
    Wrong(what="a table without row-level security", check="row-level security", word="passage",
          statement="ALTER TABLE passage NO FORCE ROW LEVEL SECURITY"),
    Wrong(what="a policy that was dropped", check="policies", word="one_tenant on document",
          statement="DROP POLICY one_tenant ON document"),
    Wrong(what="a clock that was set back", check="clock", word="set back",
          statement="UPDATE schema_migration SET applied_at = now() + interval '1 day'"),
    # The models.
    Wrong(what="a model server that is down", check="models", word="embeddings_url",
          environ={"ROADWORTHY_EMBEDDINGS_URL": DOWN}),
    Wrong(what="a chat server that is down", check="chat", word="chat_url",
          environ={"ROADWORTHY_CHAT_URL": DOWN}),
    Wrong(what="a model that is not served", check="models", word="embeddings_model",
          environ={"ROADWORTHY_EMBEDDINGS_MODEL": "e5-large"}),
    Wrong(what="another revision", check="space words", word="revision",
          break_=another_revision),
    Wrong(what="another model of the name", check="space words", word="embeddings_url",
          break_=serve(turned_vector)),
    Wrong(what="two models of one dimension exchanged", check="space turned-en",
          word="embeddings_url", break_=exchanged),
    Wrong(what="another dimension", check="space words", word="dimension",
          break_=serve(lambda text: np.append(words_vector(text), 0.0))),
    Wrong(what="normalisation switched off", check="space words", word="normalised",
          break_=serve(lambda text: 3 * words_vector(text))),
    Wrong(what="another query prefix", check="space words", word="query_prefix",
          environ={"ROADWORTHY_EMBEDDINGS_QUERY_PREFIX": "query: "}),
    Wrong(what="another passage prefix", check="space words", word="passage_prefix",
          environ={"ROADWORTHY_EMBEDDINGS_PASSAGE_PREFIX": "passage: "}),
    Wrong(what="a space whose model is gone", check="space turned-en", word="embeddings_url",
          break_=lambda place: place.models.further.clear()),
    # The corpora.
    Wrong(what="the vectors of two spaces swapped", check=f"{EN} in words",
          word="embeddings_passage_prefix", statement=SWAP),
    Wrong(what="vectors made with another prefix", check=f"{FR} in words",
          word="embeddings_passage_prefix", break_=without_prefix),
    Wrong(what="vectors that were lost", check=f"{EN} in turned-en",
          word="roadworthy corpus reindex", statement="DELETE FROM embedding WHERE space_id = 2 AND"
          " passage_id % 2 = 0"),
    Wrong(what="text-search rules that do not exist", check="corpus main of main: routing",
          word="text_search", statement="UPDATE corpus_route SET text_search = 'klingon'"),
    Wrong(what="text-search rules changed by hand", check="corpus main of main: text search",
          word="roadworthy corpus reindex", statement="UPDATE corpus SET text_search = 'de'"),
    Wrong(what="terms by the rules of another language", check=f"{FR} by words",
          word="text_search", statement=f"UPDATE passage SET analysis = '{METHOD}:en' WHERE"
          " language = 'fr'"),
    Wrong(what="a language routed to a space of another", check="corpus main of main: routing",
          word="corpus route main", statement="UPDATE corpus_route SET language = 'fr'"),
    Wrong(what="a stale probe", check="corpus main of main: probe",
          word="roadworthy corpus probe remove", break_=more_words),
    Wrong(what="a probe whose passage can no longer be found", check=f"{FR} as asked",
          word=BEST, statement="UPDATE golden_probe SET document_id = (SELECT id FROM document"
          " WHERE name LIKE '%treuil%'), quote = NULL WHERE revision_id IS NULL"),
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.what)
def test_it_is_told_with_its_name_and_a_mend(place, wrong):
    wrong.break_(place)
    if wrong.statement:
        place.superuser.execute(wrong.statement)
    code, faults = report(place.cli, **wrong.environ)
    assert code == 1
    said = [each for name, each in faults.items() if name.startswith(wrong.check)]
    assert any(wrong.word in f"{each['sentence']} {each['mend']}" for each in said), faults
    assert all(each["mend"] for each in faults.values())


RIGHTS = {
    "as it was prepared": {},
    "a locale with a codeset": {"LANG": "fr_CA.UTF-8", "LC_ALL": "de_DE@euro"},
    "no locale at all": {"LANG": "C", "LC_ALL": "POSIX"},
    "a tag of BCP 47": {"ROADWORTHY_LOCALE": "zh-Hant-TW"},
    "a region of many countries": {"ROADWORTHY_LOCALE": "es-419"},
    "a key of its own": {"ROADWORTHY_PSEUDONYM_KEY": "Wn5yT0vS3kq8rB2xZc7dLf4g"},
    "a placeholder for a server here": {"ROADWORTHY_CHAT_KEY": "xxx"},
    "another port": {"ROADWORTHY_PORT": "18653"},
    "larger passages from now on": {"ROADWORTHY_PASSAGE_TOKENS": "200"},
    "more connections": {"ROADWORTHY_DATABASE_CONNECTIONS": "20"},
    "an own name for settings left empty": {"ROADWORTHY_EMBEDDINGS_QUERY_PREFIX": ""},
}


@pytest.mark.parametrize("environ", RIGHTS.values(), ids=RIGHTS)
def test_what_is_right_is_never_refused(place, environ):
    if "ROADWORTHY_PSEUDONYM_KEY" in environ:  # chosen before the first trace
        place.superuser.execute("DELETE FROM pseudonym_key")
        place.superuser.commit()
    assert report(place.cli, **environ) == (0, {})


def test_the_probes_were_generated_in_both_languages(place):
    listed = run(place.cli, "corpus", "probe", "list", "main")
    assert "number" in listed
    assert "numéro" in listed
    done = place.cli.run("doctor")
    assert "6 of 6 probes find their passage" in done.stdout


def test_a_corpus_on_its_way_to_another_space_is_right(place):
    place.models.further["further"] = lambda text: np.roll(words_vector(text), 9)
    run(place.cli, "space", "add", "further")
    run(place.cli, "corpus", "reembed", "main", "--space", "further", "--no-wait")
    assert report(place.cli) == (0, {})
    run(place.cli, "corpus", "reembed", "main", "--space", "further")
    run(place.cli, "corpus", "switch", "main", "--space", "further")
    assert report(place.cli) == (0, {})
    run(place.cli, "corpus", "switch", "main", "--space", "words")
    assert report(place.cli) == (0, {})


def as_url(conninfo: str) -> str:
    """Write as a setting what connects."""
    part = conninfo_to_dict(conninfo)
    where = f"{part['host']}:{part['port']}/{part['dbname']}"
    return f"postgresql://{part['user']}:{part['password']}@{where}"


def test_two_databases_for_one_installation_are_told(place, fresh_database):
    urls = database_urls(place.cli.settings, owner_url=fresh_database)
    worker = {"ROADWORTHY_DATABASE_WORKER_URL": as_url(urls.worker)}
    faults = report(place.cli, **worker)[1]
    assert "database_worker_url" in faults["one database"]["sentence"]


def test_urls_of_the_roles_exchanged_are_told(place):
    settings = place.cli.settings
    urls = database_urls(settings, owner_url=settings.database_url.get_secret_value())
    exchanged = {
        "ROADWORTHY_DATABASE_APP_URL": as_url(urls.worker),
        "ROADWORTHY_DATABASE_WORKER_URL": as_url(urls.app),
    }
    fault = report(place.cli, **exchanged)[1]["roles"]
    assert "may act as roadworthy_app" in fault["sentence"]
    assert "database_worker_url" in fault["mend"]


@pytest.mark.parametrize("skew", [timedelta(minutes=2), timedelta(minutes=-2)])
def test_a_clock_that_goes_wrong_is_told(urls, skew):
    faults = {c.name: c for c in check_database(urls, clock=lambda: now() + skew) if not c.ok}
    assert "120 s" in faults["clock"].sentence


def test_a_placeholder_for_a_server_elsewhere_is_told(tmp_path):
    told = {"ROADWORTHY_CHAT_URL": "https://models.example/v1", "ROADWORTHY_CHAT_KEY": "changeme"}
    settings = load_settings(told | {"ROADWORTHY_HOME": str(tmp_path)})
    [fault] = [each for each in check_machine(settings, locales={}) if not each.ok]
    assert "chat_key" in fault.sentence
    assert "changeme" not in fault.sentence + fault.mend


def test_a_placeholder_for_a_further_endpoint_is_told(tmp_path):
    told = {
        "ROADWORTHY_ENDPOINTS": '{"vendor": {"url": "https://models.example/v1"}}',
        "ROADWORTHY_ENDPOINT_VENDOR_KEY": "changeme",
        "ROADWORTHY_HOME": str(tmp_path),
    }
    [fault] = [each for each in check_machine(load_settings(told), locales={}) if not each.ok]
    assert "endpoint vendor" in fault.sentence
    assert "changeme" not in fault.sentence + fault.mend


@pytest.mark.parametrize(
    "environ",
    [
        {"ROADWORTHY_STAGE": "production"},
        {"ROADWORTHY_PSEUDONYM_KEY": "changeme"},
        {"LC_ALL": "french"},
        {"ROADWORTHY_EMBEDDINGS_QUERY_PREFIX": "query: "},
    ],
    ids=str,
)
def test_no_start_goes_past_it(place, environ):
    done = place.cli.run("serve", environ=environ)
    assert done.returncode == 1
    assert "WRONG" in done.stderr


def test_no_relay_tells_a_broker_of_the_jobs_of_another_stage(place):
    environ = {"ROADWORTHY_STAGE": "production", "ROADWORTHY_BROKER_URL": "kafka://127.0.0.1:1"}
    done = place.cli.run("relay", environ=environ)
    assert (done.returncode, "ROADWORTHY_STAGE" in done.stderr) == (1, True)


def test_a_copy_made_on_purpose_is_taken_over(place):
    staging = {"ROADWORTHY_STAGE": "staging"}
    assert place.cli.run("migrate", environ=staging).returncode == 0
    assert "stage" in report(place.cli, **staging)[1]
    place.superuser.execute(ANOTHER_MARK)
    place.superuser.commit()
    assert place.cli.run("migrate", "--adopt", environ=staging).returncode == 0
    assert report(place.cli, **staging) == (0, {})
