"""Each setting is explained in the reference."""

from pathlib import Path

import pytest

from roadworthy.plumbing.endpoint_settings import EndpointSettings
from roadworthy.plumbing.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference" / "settings.md"
ENDPOINTS = DOCS / "models.md"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_in_the_reference(name):
    [row] = [line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{name}`")]
    assert f"`ROADWORTHY_{name.upper()}`" in row
    assert str(Settings.model_fields[name].description) in row


@pytest.mark.parametrize("name", EndpointSettings.model_fields)
def test_a_setting_of_an_endpoint_is_in_the_guide_to_models(name):
    [row] = [line for line in ENDPOINTS.read_text().splitlines() if line.startswith(f"| `{name}`")]
    assert str(EndpointSettings.model_fields[name].description) in row
