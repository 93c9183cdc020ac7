"""LiteLLM's proxy, as its documentation starts it for production, in front of one provider."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.peer import peer_python
from tests.engine_process import free_port

KEY = "sk-benchmark"
START_S = 120
# All that it is told of this machine. Nothing is to be fetched at the start.
ENVIRON = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


@contextmanager
def litellm_proxy(upstream: str, *, model: str) -> Iterator[str]:
    """Serve `model` of an OpenAI-protocol URL for a block; yields the base URL, before /v1."""
    python = peer_python("litellm")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="roadworthy-bench-") as folder:
        config = Path(folder, "config.yaml")
        config.write_text(json.dumps(_config(upstream, model)))  # JSON is YAML
        options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [str(python.parent / "litellm"), *options, "--num_workers", "1"],
                env=ENVIRON,
                cwd=folder,
                stdout=log,
                stderr=log,
            )
        try:
            _wait(f"http://127.0.0.1:{port}", process, Path(folder, "log"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _config(upstream: str, model: str) -> dict[str, object]:
    params = {"model": f"openai/{model}", "api_base": upstream, "api_key": "any"}
    return {
        "model_list": [{"model_name": model, "litellm_params": params}],
        "litellm_settings": {"set_verbose": False, "telemetry": False, "num_retries": 0},
        "general_settings": {"master_key": KEY},
    }


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(f"{url}/health/liveliness", timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"LiteLLM did not start: {log.read_text()[-2000:]}")
