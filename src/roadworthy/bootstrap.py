"""Builds everything once, from Settings."""

import asyncio
import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from roadworthy.answering import stores as answering_stores
from roadworthy.answering.admission import Admission, Bounds
from roadworthy.answering.cached import AnswerCache
from roadworthy.answering.converse import ConversingAnswerer
from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.forgetting import Forgetting
from roadworthy.answering.generate import GeneratingAnswerer
from roadworthy.answering.guarding import Guarding
from roadworthy.answering.in_flight import InFlight
from roadworthy.answering.judging import MOST_WAIT_S, CloseLook, Judging
from roadworthy.answering.searching import SearchService
from roadworthy.answering.service import AnsweringService
from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.core.identity import Principal
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus import stores as corpus_stores
from roadworthy.deletion import DeletionService
from roadworthy.gateway.classifying import Classifier
from roadworthy.gateway.embeddings import CLIENTS_AT_ONCE, SpaceEmbedder
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.engine.launch import usual_threads
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.gateway.prices import read_prices
from roadworthy.gateway.reranking import Reranker
from roadworthy.gateway.routes import Router
from roadworthy.models import Models, opened_models
from roadworthy.plumbing import stores as plumbing_stores
from roadworthy.plumbing.database import Database, with_role
from roadworthy.plumbing.epochs import EpochHolder
from roadworthy.plumbing.migrations import migrate
from roadworthy.plumbing.settings import Settings
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.webhooks import Sender
from roadworthy.spaces import follow_spaces, open_spaces
from roadworthy.traces import TraceRecorder, bring_left
from roadworthy.traces import stores as trace_stores
from roadworthy.traces.pseudonyms import Pseudonyms

log = structlog.get_logger(__name__)
SPOOL = "spool"  # of a home: traces on their way to the database
SET_STAGE = """
INSERT INTO installation (stage, created_at) VALUES (%(stage)s, %(now)s)
ON CONFLICT (is_only) DO NOTHING
"""
ADOPT_STAGE = """
INSERT INTO installation (stage, created_at) VALUES (%(stage)s, %(now)s)
ON CONFLICT (is_only) DO UPDATE SET stage = excluded.stage, created_at = excluded.created_at
"""
ADOPT_PSEUDONYMS = "DELETE FROM pseudonym_key"
MOST_TRIES = 5
APP_ROLE, WORKER_ROLE = "roadworthy_app", "roadworthy_worker"
# Every table that holds the text of documents or what is derived from it: each room tells its own.
STORES = (
    *corpus_stores.STORES,
    *plumbing_stores.STORES,
    *trace_stores.STORES,
    *answering_stores.STORES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseUrls:
    """One database, as each of the roles that use it. Secrets: never to be printed."""

    owner: str | None  # None: somebody else migrates
    app: str
    worker: str
    read: str | None = None  # as the app role: of a replica

    def __repr__(self) -> str:
        """Leave the passwords out."""
        return "DatabaseUrls(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All that a door may call."""

    settings: Settings
    database: Database
    embeddings: Endpoint
    router: Router  # to the models that write
    embedders: Mapping[str, SpaceEmbedder]  # by name of the space
    refused_spaces: Mapping[str, str]  # name of the space -> why it is not served, or not checked
    classifier: Classifier | None  # None: no engine runs here
    background_classifier: Classifier | None  # for what nobody waits for; None: likewise
    reranker: Reranker | None  # None: none is told of, and no engine runs here
    judging: Judging  # of whether hits are about a question
    recorder: TraceRecorder
    answering: AnsweringService
    searching: SearchService
    deletion: DeletionService
    in_flight: InFlight  # what reads documents notes it here, to hear when one is deleted
    bounds: Bounds  # how much is done at once
    pseudonym: Callable[[Principal], str]

    @property
    def default_space(self) -> EmbeddingSpace:
        """The space of a corpus that is made without naming one."""
        name = self.settings.embeddings_model
        if name in self.embedders:
            return self.embedders[name].space
        raise Unavailable(self.refused_spaces.get(name, f"The space {name!r} is not served."))


def database_urls(settings: Settings, *, owner_url: str | None) -> DatabaseUrls:
    """Derive what each role connects with; the settings' own URLs come first.

    The roles' passwords are keyed by the owner's, so that every host of an installation derives
    the same ones and none has to be stored.

    Raises:
        Invalid: there is neither an owner's password nor a URL for a role.
    """
    app = _role_url(settings.database_app_url, owner_url, APP_ROLE)
    return DatabaseUrls(
        owner=owner_url,
        app=app,
        worker=_role_url(settings.database_worker_url, owner_url, WORKER_ROLE),
        read=_replica_url(settings.database_read_url, app),
    )


def provision(
    urls: DatabaseUrls, *, progress: Callable[[str], None], stage: str = "", adopt: bool = False
) -> None:
    """Bring the database to this version: migrations, then logins for the two roles.

    Args:
        stage: whose the database is from now on, if it is nobody's yet; "": of none.
        adopt: take the database of another stage, or with other pseudonyms, over.

    Raises:
        Invalid: an applied migration was changed, or the roles may not be altered.
        Unavailable: the database does not answer.
    """
    if urls.owner is None:
        return
    migrate(urls.owner, progress=progress)
    try:
        with psycopg.connect(urls.owner, autocommit=True) as conn:
            for role, url in ((APP_ROLE, urls.app), (WORKER_ROLE, urls.worker)):
                _let_log_in(conn, role, url)
            if adopt:
                conn.execute(ADOPT_PSEUDONYMS)
            if stage:
                conn.execute(ADOPT_STAGE if adopt else SET_STAGE, {"stage": stage, "now": now()})
    except psycopg.errors.InsufficientPrivilege as error:
        raise Invalid(
            f"The role of database_url may not alter {APP_ROLE} and {WORKER_ROLE}; grant it "
            "CREATEROLE, or set database_app_url and database_worker_url."
        ) from error
    except psycopg.OperationalError as error:
        raise Unavailable("The database of database_url does not answer.") from error


@asynccontextmanager
async def opened_sender(settings: Settings) -> AsyncIterator[Sender | None]:
    """Open what tells receivers of webhooks, for a block; None: nobody may be told."""
    if not settings.webhook_origins or settings.webhook_key is None:
        yield None
        return
    sender = Sender(key=settings.webhook_key.get_secret_value(), origins=settings.webhook_origins)
    try:
        yield sender
    finally:
        await sender.close()


@asynccontextmanager
async def services(
    settings: Settings, *, urls: DatabaseUrls, engine: EngineAddress | None
) -> AsyncIterator[Services]:
    """Open everything, and close it in the end.

    A space whose model has changed is not served; the others are.

    Raises:
        Unavailable: the database does not answer, or at a first start the embedding endpoint.
        Invalid: the key of pseudonyms is not that of the database.
    """
    database = Database(
        app_url=urls.app,
        worker_url=urls.worker,
        connections=settings.database_connections,
        read_url=urls.read,
    )
    async with contextlib.AsyncExitStack() as stack:
        await database.open()
        stack.push_async_callback(database.close)
        pseudonyms = pseudonyms_of(settings)
        async with database.as_worker() as conn:
            await pseudonyms.agree(conn)
        models = await stack.enter_async_context(opened_models(settings, engine))
        prices = read_prices(settings.price_book)
        router = Router(models.lanes, prices)
        judging = Judging(close_look_of(models, settings))
        embedders, refused = await open_spaces(settings, database, models.embeddings)
        following = asyncio.create_task(
            follow_spaces(
                settings, database, models.embeddings, embedders=embedders, refused=refused
            )
        )
        stack.push_async_callback(cancelled, following)
        recorder = TraceRecorder(settings.home / SPOOL, database)
        flushing = asyncio.create_task(recorder.run())
        stack.push_async_callback(cancelled, flushing)
        in_flight, extracting, bounds = InFlight(), ExtractingAnswerer(), bounds_of(settings)
        forgetting = Forgetting(
            database, in_flight=in_flight, extracting=extracting, recorder=recorder
        )
        epochs = EpochHolder(urls.app, leave=forgetting.leave, lose=forgetting.lose)
        stack.push_async_callback(cancelled, await _holding(epochs))
        yield Services(
            settings=settings,
            database=database,
            embeddings=models.embeddings,
            router=router,
            embedders=embedders,
            refused_spaces=refused,
            classifier=models.classifier,
            background_classifier=models.background_classifier,
            reranker=models.reranker,
            judging=judging,
            recorder=recorder,
            answering=AnsweringService(
                database=database,
                embedders=embedders,
                answerers={
                    "extract": extracting,
                    "generate": GeneratingAnswerer(router),
                    "chat": ConversingAnswerer(router),
                },
                recorder=recorder,
                pseudonym=pseudonyms,
                in_flight=in_flight,
                reranker=models.reranker,
                bounds=bounds,
                prices=prices,
                cache=AnswerCache(database),
                guarding=Guarding(models.classifier),
                judging=judging,
            ),
            searching=SearchService(
                database=database,
                embedders=embedders,
                recorder=recorder,
                pseudonym=pseudonyms,
                in_flight=in_flight,
                bounds=bounds,
                prices=prices,
                reranker=models.reranker,
            ),
            deletion=deletion_service(settings, database),
            in_flight=in_flight,
            bounds=bounds,
            pseudonym=pseudonyms,
        )


def close_look_of(models: Models, settings: Settings) -> CloseLook | None:
    """Open what looks closely at unsure questions; None: no engine is there to be asked."""
    if models.matcher is None or models.reader is None:
        return None
    # A look for each thread of the engine, and one that is on its way; as many are waited for.
    places = (settings.engine_threads or usual_threads()) + 1
    admission = Admission(places=places, waiting=places, patience_s=MOST_WAIT_S)
    return CloseLook(models.matcher, models.reader, places=admission)


def bounds_of(settings: Settings) -> Bounds:
    """Say how much one process does at once."""
    at_once, line = settings.max_concurrent_answers, settings.max_waiting_answers
    admission = partial(Admission, patience_s=settings.max_wait_s)
    # A search holds one connection; two stay for keys and for whether we are ready.
    searches = settings.max_concurrent_searches or max(1, settings.database_connections - 2)
    return Bounds(
        answers=admission(places=at_once, waiting=line),
        direct_searches=admission(places=at_once, waiting=line),
        embeddings=admission(places=CLIENTS_AT_ONCE, waiting=line),
        # Whoever was let in finds room in this line, too.
        searches=admission(places=searches, waiting=2 * at_once),
        timeout_s=settings.answer_timeout_s,
    )


def secret_file(path: Path) -> str:
    """Read a secret that only this user may read; made at the first call."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        # Whoever comes first writes; an empty file is what a start that was killed left.
        fcntl.flock(file, fcntl.LOCK_EX)
        secret = file.read()
        if not secret:
            secret = secrets.token_urlsafe(32)
            file.write(secret)
            file.flush()
        return secret


def _role_url(told: SecretStr | None, owner_url: str | None, role: str) -> str:
    if told is not None:
        return told.get_secret_value()
    password = urlsplit(owner_url).password if owner_url else None
    if owner_url is None or not password:
        raise Invalid(
            "database_url holds no password to derive the service roles' from; set "
            "database_app_url and database_worker_url."
        )
    derived = hmac.new(password.encode(), role.encode(), hashlib.sha256).hexdigest()
    return with_role(owner_url, user=role, password=derived)


def _replica_url(told: SecretStr | None, app_url: str) -> str | None:
    """Reach the replica as who reads the primary: no other role can slip in."""
    if told is None:
        return None
    login = conninfo_to_dict(app_url)
    user, password = str(login.get("user", "")), str(login.get("password", ""))
    return with_role(told.get_secret_value(), user=user, password=password)


def _let_log_in(conn: psycopg.Connection, role: str, url: str) -> None:
    # Roles are the server's: whoever brings another database up may alter them at this moment.
    for _ in range(MOST_TRIES):
        if _can_connect(url):
            return
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        with contextlib.suppress(psycopg.errors.InternalError_):  # tuple concurrently updated
            conn.execute(statement.format(sql.Identifier(role), _password(url)))
    if not _can_connect(url):
        raise Unavailable(f"The role {role} is altered by others all the time; try again.")


def _can_connect(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _password(url: str) -> sql.Literal:
    return sql.Literal(conninfo_to_dict(url)["password"])


def deletion_service(settings: Settings, database: Database) -> DeletionService:
    """Build what deletes; it needs no model."""
    return DeletionService(
        database=database,
        stores=STORES,
        pseudonyms=pseudonyms_of(settings),
        bring_left=partial(bring_left, settings.home / SPOOL, database),
    )


def pseudonyms_of(settings: Settings) -> Pseudonyms:
    """Say what traces call a person, by the key of the settings or of the home."""
    told = settings.pseudonym_key
    return Pseudonyms(
        told.get_secret_value() if told else secret_file(settings.home / "pseudonym.key")
    )


async def _holding(epochs: EpochHolder) -> asyncio.Task[None]:
    """Hold an epoch from now on; whatever ends that ends the process."""
    holding = asyncio.create_task(epochs.run())
    started = asyncio.create_task(epochs.is_holding.wait())
    await asyncio.wait({holding, started}, return_when=asyncio.FIRST_COMPLETED)
    if holding.done():
        started.cancel()
        holding.result()
    holding.add_done_callback(_end_process)
    return holding


def _end_process(holding: asyncio.Task[None]) -> None:
    # A process that answers and does not hear of deletions is worse than none.
    if not holding.cancelled() and (error := holding.exception()) is not None:
        log.critical("this process cannot forget what is deleted, and ends", exc_info=error)
        signal.raise_signal(signal.SIGTERM)
