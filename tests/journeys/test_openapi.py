"""Whatever is sent to whatever route of our OpenAPI document: never a 5xx."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = "15"  # of each operation
# Whoever gives an answer no time is told so by a 503, and rightly.
HOOKS = """
import schemathesis


@schemathesis.hook
def map_body(context, body):
    if isinstance(body, dict):
        body.pop("timeout_s", None)
    return body


@schemathesis.hook
def before_call(context, case, kwargs):
    map_body(context, case.body)
"""


def test_no_request_makes_a_server_error(started, tmp_path):
    # Of somebody else than the sample's people: other journeys count on what those own.
    key, *_ = started.cli("key", "create", "--user", "stranger", "--clearance", "1").splitlines()
    st = Path(sys.executable).with_name("st")
    (tmp_path / "hooks.py").write_text(HOOKS)
    done = subprocess.run(
        [
            st,
            "run",
            f"{started.url}/openapi.json",
            "--header",
            f"Authorization: Bearer {key}",
            "--checks",
            "not_a_server_error",
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            EXAMPLES,
            "--seed",
            "1",
            "--warnings",
            "off",
            "--suppress-health-check",
            "all",
        ],
        cwd=tmp_path,  # where it keeps what it learns
        env={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(tmp_path),
            "SCHEMATHESIS_HOOKS": "hooks",
        },
        capture_output=True,
        text=True,
        timeout=900,  # half a minute on a quiet machine
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout
