"""Documentation names what exists."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def test_every_module_of_the_code_map_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### `(\w+)/`(.*?)(?=^#)", text + "\n#", re.M | re.S)
    assert [folder for folder, _ in sections] == ["models", "training", "service"]
    for folder, section in sections:
        # The table of models/ is that of models/scoring/.
        home = ROOT / folder / ("scoring" if folder == "models" else "")
        names = [
            name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`([\w/]+)`", row)
        ]
        assert len(names) > 10
        missing = [name for name in names if not (home / name).is_dir() and not (home / f"{name}.py").is_file()]
        assert missing == []
