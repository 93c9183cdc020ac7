"""`roadworthy doctor` ends with 1 on any fault, and neither API nor worker starts on one."""

import dataclasses
import json

import pytest

from roadworthy.releases import Release, Step, add_release, make_live
from tests.doubles.model_server import Behaviour, running_model_server, turned_vector

pytestmark = pytest.mark.anyio


def told(cli, **environ):
    done = cli.run("doctor", "--json", environ=environ)
    checks = json.loads(done.stdout)["checks"]
    return done.returncode, {check["name"]: check for check in checks if not check["ok"]}


async def test_all_is_well(cli, world):
    assert told(cli) == (0, {})
    assert "WRONG" not in cli.run("doctor").stdout


def test_an_unknown_setting_is_a_fault(cli):
    code, faults = told(cli, ROADWORTHY_EMBEDINGS_URL="http://x")
    assert (code, list(faults)) == (1, ["settings"])
    assert "ROADWORTHY_EMBEDINGS_URL" in faults["settings"]["sentence"]


async def test_a_model_that_left_its_space_is_a_fault(cli, world):
    with running_model_server() as other:
        other.embed = turned_vector
        code, faults = told(cli, ROADWORTHY_EMBEDDINGS_URL=other.url)
    assert (code, list(faults)) == (1, ["space words"])
    assert "cosine" in faults["space words"]["sentence"]


async def test_another_revision_and_another_prefix_are_faults(cli, world):
    with running_model_server() as other:
        other.revision = "2"
        _, faults = told(cli, ROADWORTHY_EMBEDDINGS_URL=other.url)
    assert "revision" in faults["space words"]["sentence"]
    _, faults = told(cli, ROADWORTHY_EMBEDDINGS_QUERY_PREFIX="ask: ")
    assert "query_prefix" in faults["space words"]["mend"]


@pytest.mark.parametrize(
    ("setting", "name"),
    [("ROADWORTHY_EMBEDDINGS_URL", "models"), ("ROADWORTHY_CHAT_URL", "chat")],
)
def test_an_endpoint_that_is_down_is_a_fault(cli, setting, name):
    code, faults = told(cli, **{setting: "http://127.0.0.1:9/v1"})
    assert (code, list(faults)) == (1, [name])


def further(**endpoints):
    return {"ROADWORTHY_ENDPOINTS": json.dumps({n: {"url": u} for n, u in endpoints.items()})}


async def test_a_further_endpoint_that_is_down_is_a_fault_and_stops_no_start(cli, world, models):
    code, faults = told(cli, **further(vendor="http://127.0.0.1:9/v1", other=models.url))
    assert (code, list(faults)) == (1, ["endpoint vendor"])
    assert "[endpoints.vendor]" in faults["endpoint vendor"]["mend"]


async def test_a_live_release_that_asks_an_endpoint_that_is_not_set_is_a_fault(cli, world, models):
    steps = (Step(endpoint="chat", model="a"), Step(endpoint="vendor", model="b"))
    release = Release(answerer="generate", prompt="answer-1", route=steps)
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_release(conn, tenant_id=world.tenant_id, name="routed", release=release)
    assert told(cli) == (0, {})  # as long as it is not live
    async with world.database.as_worker(world.tenant_id) as conn:
        await make_live(conn, tenant_id=world.tenant_id, name="routed")
    code, faults = told(cli)
    assert (code, list(faults)) == (1, ["routes"])
    assert "routed of acme" in faults["routes"]["sentence"]
    assert "[endpoints.vendor]" in faults["routes"]["mend"]
    assert told(cli, **further(vendor=models.url)) == (0, {})


RERANK = {"ROADWORTHY_RERANK_MODEL": "words"}


async def test_a_reranker_that_reranks_is_no_fault(cli, world, models):
    assert told(cli, ROADWORTHY_RERANK_URL=models.url, **RERANK) == (0, {})
    assert (
        "reranks"
        in cli.run("doctor", environ={"ROADWORTHY_RERANK_URL": models.url} | RERANK).stdout
    )


async def test_a_reranker_that_does_not_is_a_fault_with_a_mend(cli, world, models):
    with running_model_server() as other:
        for way in ({}, {"ROADWORTHY_RERANK_MODEL": "nothing"}):
            code, faults = told(cli, ROADWORTHY_RERANK_URL=other.url, **way)
            assert (code, list(faults)) == (1, ["reranker"])
            assert "rerank_model" in faults["reranker"]["mend"]
        other.key = "sk-right"
        _, faults = told(
            cli, ROADWORTHY_RERANK_URL=other.url, ROADWORTHY_RERANK_KEY="wrong", **RERANK
        )
        assert "401" in faults["reranker"]["sentence"]
        other.key = None
        other.plan.append(
            Behaviour(body=b'[{"index": 0, "score": 0.9}, {"index": 1, "score": 0.1}]')
        )
        _, faults = told(cli, ROADWORTHY_RERANK_URL=other.url, **RERANK)
        assert "something else before" in faults["reranker"]["sentence"]
    _, faults = told(cli, ROADWORTHY_RERANK_URL="http://127.0.0.1:9/v1", **RERANK)
    assert "rerank_url" in faults["reranker"]["mend"]


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_no_process_starts_on_a_fault(cli, command):
    unfit = dataclasses.replace(cli, environ=cli.environ | {"LC_ALL": "spanish"})
    with unfit.running(command) as process:
        assert process.wait(timeout=30) == 1
    assert "LC_ALL" in (cli.settings.home / "output.log").read_text()
