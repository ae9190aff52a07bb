"""Documentation names what exists."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def test_every_file_and_module_of_the_map_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = re.findall(r"`((?:models|service|training|tests)/[\w/]+\.py)`", text)
    assert len(files) > 30
    assert [name for name in files if not (ROOT / name).is_file()] == []
    request = text[text.index("## One request") : text.index("## One row")]
    row = text[text.index("## One row") : text.index("## Recommending")]
    for home, walk in (("service", request), ("training", row)):
        modules = re.findall(r"`([a-z_]+/[\w/]+)`", walk)
        assert len(modules) > 10
        assert [
            name for name in modules if not any((ROOT / f"{place}{name}.py").is_file() for place in (f"{home}/", ""))
        ] == []
