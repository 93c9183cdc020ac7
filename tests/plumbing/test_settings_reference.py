"""Each setting is explained in the reference."""

from pathlib import Path

import pytest

from roadworthy.plumbing.settings import Settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_in_the_reference(name):
    [row] = [line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{name}`")]
    assert f"`ROADWORTHY_{name.upper()}`" in row
    assert str(Settings.model_fields[name].description) in row
