"""An operator hands the secret of his tenant to those who receive its webhooks."""

import pytest

from roadworthy.plumbing.webhooks import secret_of

pytestmark = pytest.mark.anyio

KEY = "drawn by chance, of 32 characters"


async def test_the_secret_of_the_tenant_is_shown(cli, world):
    shown = cli.run("webhook", "secret", environ={"ROADWORTHY_WEBHOOK_KEY": KEY})
    assert shown.stdout == secret_of(KEY, tenant_id=world.tenant_id) + "\n"


async def test_without_a_key_there_is_none(cli, world):
    done = cli.run("webhook", "secret")
    assert (done.returncode, "webhook_key" in done.stderr) == (2, True)


async def test_nobody_else_is_shown_it(cli, world):
    environ = {"ROADWORTHY_WEBHOOK_KEY": KEY}
    done = cli.run("webhook", "secret", "--as", "ana", environ=environ)
    assert (done.returncode, done.stdout) == (5, "")
