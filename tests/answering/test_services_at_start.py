"""At the start each space is checked, what cannot be served is said, and secrets are made once."""

import asyncio
import threading
from decimal import Decimal

import pytest

from roadworthy import spaces
from roadworthy.answering.records import Asked
from roadworthy.bootstrap import secret_file, services
from roadworthy.core.errors import Unavailable
from roadworthy.core.identity import Principal
from roadworthy.gateway.chat import Message
from roadworthy.gateway.engine.local import EngineAddress
from roadworthy.plumbing.settings import load_settings
from roadworthy.releases import BUILT_IN, Step, add_release
from roadworthy.releases.records import FirstTry
from roadworthy.traces.ledger import read_costs
from tests.conftest import provisioned
from tests.doubles.model_server import KEY, Behaviour, failing, turned_vector
from tests.world import make_other_space, make_world, words_vector

pytestmark = pytest.mark.anyio


@pytest.fixture
def urls(postgres_cluster):
    """A database of its own: spaces belong to no tenant."""
    with postgres_cluster.fresh_database() as url:
        yield provisioned(url)


@pytest.fixture
def opening(urls, models, tmp_path):
    """Open the services of one installation, with other settings if told."""

    def opened(**told):
        told = {"home": tmp_path, "embeddings_model": "words", "model_timeout_s": 5} | told
        settings = load_settings({}, overrides=told)
        return services(settings, urls=urls, engine=EngineAddress(url=models.url, token=KEY))

    return opened


async def test_the_first_start_makes_the_space_of_the_settings(opening):
    async with opening() as opened:
        assert opened.default_space.dimension == 32
        assert opened.default_space.revision == "1"
        assert opened.refused_spaces == {}


async def test_a_second_start_finds_the_same_space(opening, models):
    async with opening() as first:
        space = first.default_space
    models.restart()
    async with opening() as second:
        assert second.default_space == space


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({"embeddings_query_prefix": "query: "}, "query_prefix"),
        ({"embeddings_passage_prefix": "passage: "}, "passage_prefix"),
    ],
)
async def test_a_changed_setting_is_named(opening, change, setting):
    async with opening():
        pass
    async with opening(**change) as opened:
        assert setting in opened.refused_spaces["words"]
        with pytest.raises(Unavailable, match=setting):
            _ = opened.default_space


async def test_a_changed_revision_is_named(opening, models):
    async with opening():
        pass
    models.revision = "2"
    async with opening() as opened:
        assert "revision '1'" in opened.refused_spaces["words"]


async def test_a_changed_model_is_not_served(opening, models):
    async with opening():
        pass
    models.restart(embed=turned_vector)
    async with opening() as opened:
        assert "'words'" in opened.refused_spaces["words"]


async def test_a_model_that_does_not_normalise_has_a_space_of_its_own(opening, models):
    models.embed = lambda text: 3 * words_vector(text)
    async with opening() as opened:
        assert not opened.default_space.normalised
    async with opening() as opened:
        await opened.embedders["words"].embed_question("why")


async def test_a_space_that_another_process_makes_is_served_soon(opening, models, monkeypatch):
    monkeypatch.setattr(spaces, "LOOK_EVERY_S", 0.01)
    async with opening() as opened, asyncio.timeout(5):
        await make_other_space(opened.database)
        models.further["turned"] = turned_vector
        while "turned" not in opened.embedders:  # noqa: ASYNC110 - another task is waited for
            await asyncio.sleep(0.01)
        assert (await opened.embedders["turned"].embed_question("why")).space == "turned"


async def test_the_shipped_spaces_are_made_when_all_has_settled(opening, models, monkeypatch):
    monkeypatch.setattr(spaces, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(spaces, "SHIPPED_AFTER_S", 0.05)
    models.further["e5-small"] = words_vector
    async with opening() as opened, asyncio.timeout(5):
        await asyncio.sleep(0.2)
        models.further["minilm"] = turned_vector  # what fails is tried again
        while not {"minilm", "e5-small"} <= opened.embedders.keys():  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
        assert opened.embedders["minilm"].space.languages == ["en"]
        assert opened.embedders["e5-small"].space.query_prefix == "query: "


async def asked(opened, world, *, release=None):
    turns = [Message(role="user", content="What is the plan?")]
    asking = Asked(turns=turns, surface="answers", release=release)
    *_, answer = [each async for each in opened.answering.answer(world.person(), asking)]
    return answer


async def test_a_first_start_needs_the_embedding_model(opening, models):
    models.stop()
    try:
        with pytest.raises(Unavailable):
            async with opening():
                pass
    finally:
        models.restart()


async def test_a_start_while_the_embedding_model_is_down_serves_by_words(
    opening, models, monkeypatch
):
    monkeypatch.setattr(spaces, "LOOK_EVERY_S", 0.01)
    async with opening() as opened:
        world = await make_world(opened.database)
        await world.add("plan.txt", "The plan is to leave on Monday.")
    models.stop()
    try:
        async with opening() as opened, asyncio.timeout(30):
            answer = await asked(opened, world)
            assert (answer.outcome, "embeddings" in answer.degraded) == ("answered", True)
            models.restart()
            while opened.refused_spaces:  # noqa: ASYNC110 - another task is waited for
                await asyncio.sleep(0.01)
            assert not (await asked(opened, world)).degraded
    finally:
        models.restart()


async def test_another_model_that_comes_back_is_not_served(opening, models, monkeypatch):
    monkeypatch.setattr(spaces, "LOOK_EVERY_S", 0.01)
    async with opening():
        pass
    models.stop()
    try:
        async with opening() as opened, asyncio.timeout(30):
            models.restart(embed=turned_vector)
            while opened.embedders:  # noqa: ASYNC110 - another task is waited for
                await asyncio.sleep(0.01)
            assert "no longer gives the vectors" in opened.refused_spaces["words"]
    finally:
        models.restart()


async def test_a_start_waits_for_no_model_that_hangs(opening, models, monkeypatch):
    monkeypatch.setattr(spaces, "LONGEST_CHECK_S", 0.2)
    async with opening():
        pass
    models.plan += [Behaviour(delay_s=3)]
    async with opening() as opened:
        assert "within 0.2 s" in opened.refused_spaces["words"]
        assert opened.default_space.name == "words"


async def test_questions_are_screened_by_the_engine_before_they_are_embedded(opening, models):
    async with opening() as opened:
        world = await make_world(opened.database)
        turns = [Message(role="user", content="Is a zebra an employee?")]
        asked = Asked(turns=turns, surface="answers", release=None)
        *_, answer = [each async for each in opened.answering.answer(world.person(), asked)]
    assert answer.outcome == "blocked"
    assert models.asked[-1].path == "/v1/classify"
    assert models.asked[-1].body == {"model": "injection", "input": ["Is a zebra an employee?"]}


async def test_without_an_engine_no_classifier_is_asked(urls, models, tmp_path):
    told = {"embeddings_url": models.url, "chat_url": models.url, "embeddings_model": "words"}
    settings = load_settings({}, overrides=told | {"home": tmp_path})
    async with services(settings, urls=urls, engine=None) as opened:
        assert (opened.classifier, opened.background_classifier) == (None, None)


async def test_scoring_ahead_has_patience_and_a_breaker_of_its_own(opening, models):
    async with opening() as opened:
        models.plan += [failing(503)] * 6
        for _ in range(3):
            with pytest.raises(Unavailable):
                await opened.background_classifier.score("passage_injection", ["a"])
        models.plan.clear()
        waits = opened.background_classifier.endpoint.address.timeout_s
        assert waits > opened.classifier.endpoint.address.timeout_s
        assert (await opened.classifier.score("injection", ["a"])).values == [0.0]


async def test_a_pseudonym_is_stable_and_tells_no_name(opening):
    ana = Principal(tenant_id=1, user_id="ana", groups=frozenset(), clearance=0)
    bob = Principal(tenant_id=1, user_id="bob", groups=frozenset(), clearance=0)
    other = Principal(tenant_id=2, user_id="ana", groups=frozenset(), clearance=0)
    async with opening() as opened:
        names = [opened.pseudonym(each) for each in (ana, bob, other)]
    async with opening() as again:
        assert again.pseudonym(ana) == names[0]
    assert len(set(names)) == 3
    assert not any("ana" in name for name in names)


def test_a_secret_is_made_once_and_for_this_user_alone(tmp_path):
    path = tmp_path / "deep" / "key"
    assert secret_file(path) == secret_file(path)
    assert len(secret_file(path)) >= 32
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_secret_left_by_a_crash_is_not_used(tmp_path):
    path = tmp_path / "key"
    path.touch(0o600)
    assert secret_file(path) != ""


def test_processes_that_start_together_read_one_whole_secret(tmp_path):
    path, read = tmp_path / "key", []
    threads = [threading.Thread(target=lambda: read.append(secret_file(path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(read)) == 1
    assert read[0]


async def test_leaving_stops_what_was_started(opening):
    before = asyncio.all_tasks()
    async with opening():
        pass
    assert asyncio.all_tasks() == before


async def test_own_prices_are_those_of_what_is_spent_and_of_what_is_spared(urls, models, tmp_path):
    book = tmp_path / "prices.toml"
    book.write_text('[[price]]\nmodel = "words"\ninput = 1\noutput = 100\n', "utf-8")
    told = {"embeddings_url": models.url, "chat_url": models.url, "embeddings_model": "words"}
    settings = load_settings({}, overrides=told | {"home": tmp_path, "price_book": book})
    models.pieces = ["On Monday", " [1]."]
    cascade = BUILT_IN["smollm2"].model_copy(
        update={
            "model": "words",
            "space": "words",
            "least_relevance": 0,
            "first_try": FirstTry(route=(Step(endpoint="chat", model="words"),)),
        }
    )
    async with services(settings, urls=urls, engine=None) as opened:
        world = await make_world(opened.database)
        await world.add("plan.txt", "The plan is to leave on Monday.")
        async with world.database.as_worker(world.tenant_id) as conn:
            await add_release(conn, tenant_id=world.tenant_id, name="cascade", release=cascade)
        await asked(opened, world, release="cascade")
        await opened.recorder.flush()
        async with world.database.as_worker(world.tenant_id) as conn:
            [cost] = await read_costs(conn, tenant_id=world.tenant_id, by="tenant", days=1)
    assert cost.total.cost_usd == Decimal("0.000207")  # 7 tokens read, 2 written
    assert [each.cost_usd for each in cost.avoided] == [cost.total.cost_usd]
