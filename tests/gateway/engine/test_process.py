"""The engine ends when it is told to, and never outlives its parent."""

import json
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import psutil
import pytest

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.__main__ import main
from roadworthy.gateway.engine.launch import (
    TOKEN_FILE,
    command,
    ensure_token,
    wait_until_ready,
)
from tests.engine_process import KEPT_HOME, free_port, running_engine

PARENT = "import json, subprocess, sys; subprocess.Popen(json.loads(sys.argv[1])).wait()"
SOON = timedelta(seconds=60)


def post(engine, path, **body):
    headers = {"authorization": f"Bearer {engine.token}"}
    return httpx.post(f"{engine.url}{path}", json=body, headers=headers, timeout=60)


def test_it_dies_with_its_parent_and_takes_the_chat_model_along(model_folders):
    port = free_port()
    line = json.dumps(command(KEPT_HOME, port, 1))
    with subprocess.Popen([sys.executable, "-c", PARENT, line]) as parent:
        token = ensure_token(KEPT_HOME)
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, token, SOON)
        chat = {"model": "smollm2", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": f"Bearer {token}"}
        httpx.post(
            f"{url}/v1/chat/completions", json=chat | {"max_tokens": 1}, headers=headers, timeout=60
        )
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 2
        parent.kill()
    _, alive = psutil.wait_procs(family, timeout=4)
    assert alive == []


def test_it_stops_within_two_seconds_in_the_middle_of_work(model_folders):
    texts = ["passage: " + "many words " * 200] * 200
    with ThreadPoolExecutor(1) as pool, running_engine() as engine:
        pool.submit(post, engine, "/v1/embeddings", model="e5-small", input=texts)
        time.sleep(0.5)
        process = psutil.Process(engine.pid)
        began = time.monotonic()
        process.terminate()
        process.wait(5)
        assert time.monotonic() - began < 2


def test_a_question_does_not_wait_for_a_long_request(client, engine):
    texts = ["passage: " + "many words " * 100] * 24
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(post, engine, "/v1/embeddings", model="e5-small", input=texts)
        time.sleep(0.3)
        began = time.monotonic()
        client.post("/v1/embeddings", json={"model": "e5-small", "input": "query: quick"})
        waited = time.monotonic() - began
        assert not long.done()
        assert waited < 1
        assert long.result().status_code == 200


def test_the_token_is_one_and_private(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(lambda _: ensure_token(tmp_path), range(8)))
    assert len(tokens) == 1
    assert stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN_FILE]


def test_waiting_for_nobody_ends():
    with pytest.raises(Unavailable, match=r"not ready within 0\.2 s"):
        wait_until_ready(f"http://127.0.0.1:{free_port()}", "t", timedelta(seconds=0.2))


def test_waiting_for_a_stranger_says_so(engine):
    with pytest.raises(Unavailable, match="another engine"):
        wait_until_ready(engine.url, "another token", SOON)


def test_it_serves_this_machine_only(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(home=tmp_path, port=free_port(), host="0.0.0.0", threads=1)  # noqa: S104
    assert ended.value.code == 2
    assert "this machine only" in capsys.readouterr().err
