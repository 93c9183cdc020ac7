"""A reranker that settings name puts hits in order; one that is down is told of."""

import json

import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def release(cli, world, tmp_path):
    await world.put(world.person("ana"))
    for text in ("pump pump pump", "pump oil", "valve oil pump salt"):
        await world.add(f"{text}.txt", text)
    file = tmp_path / "release.json"
    file.write_text(json.dumps({"answerer": "extract", "space": "words", "rerank": {}}))
    assert cli.run("release", "add", str(file), "--name", "reranked").returncode == 0
    return "reranked"


def search(cli, release, *words, url):
    asked = ("search", "oil valve", "--as", "ana", "--release", release, *words)
    environ = {"ROADWORTHY_RERANK_URL": url, "ROADWORTHY_RERANK_MODEL": "words"}
    return cli.run(*asked, environ=environ)


async def test_hits_tell_how_they_were_reranked(cli, release, models):
    result = json.loads(search(cli, release, "--json", url=models.url).stdout)
    scores = [hit["rerank_score"] for hit in result["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert sorted(hit["fused_rank"] for hit in result["hits"]) == [1, 2, 3]
    assert result["degraded"] == []
    [asked] = models.requests("/rerank")
    assert asked.body["query"] == "oil valve"


async def test_it_is_told_that_they_were_not(cli, release):
    done = search(cli, release, url="http://127.0.0.1:9/v1")
    assert done.returncode == 0
    assert "Without: reranking." in done.stderr
    assert "valve oil" in done.stdout


async def test_a_key_that_no_header_holds_is_refused_by_name(cli, release, models):
    environ = {"ROADWORTHY_RERANK_URL": models.url, "ROADWORTHY_RERANK_KEY": "é"}
    done = cli.run("search", "oil", "--as", "ana", environ=environ)
    assert done.returncode == 2
    assert "é" not in done.stderr
