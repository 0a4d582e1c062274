"""The guide shows what is there."""

from __future__ import annotations

import re
from pathlib import Path

from chortle_plugin import _spec

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs/writing-a-plugin.md").read_text()


def test_the_example_is_the_file() -> None:
    example = (ROOT / "python/examples/loud.py").read_text()
    assert example[example.index("import numpy") :] in GUIDE


def test_the_toml_of_the_guide_is_understood(tmp_path: Path) -> None:
    block = re.search(r"```toml\n(# my-tagger.toml.*?)```", GUIDE, re.DOTALL)
    assert block
    text = block[1].replace('"…"', f'"{"0" * 64}"')
    (tmp_path / "labels.csv").write_text("display_name\nSpeech\nLaughter\nGiggle\n")
    (tmp_path / "my-tagger.toml").write_text(text)
    spec = _spec.read_spec(tmp_path / "my-tagger.toml")
    assert spec.description.labels == ["Speech", "Laughter", "Giggle"]
    assert spec.input_shape == (1, 32000)
