"""Inputs to begin with: the examples of other tests, and simple changes of them."""

import ast
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]


def literals(*places: str) -> list[bytes]:
    """Collect the texts that stand in test files, below the root: what they send, among other things."""
    paths = [path for place in places for path in sorted((ROOT / place).glob("test_*.py"))]
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    found = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
    texts = (one.encode("utf-8", "surrogatepass") if isinstance(one, str) else one for one in found)
    return sorted({text for text in texts if len(text) > 3})


def changed(inputs: list[bytes], rng: random.Random) -> Iterator[bytes]:
    """Change inputs at random, without end: what is tried where nothing guides."""
    while True:
        one, other = bytearray(rng.choice(inputs)), rng.choice(inputs)
        for _ in range(rng.randint(1, 4)):
            place = rng.randint(0, len(one))
            match rng.randrange(4):
                case 0:
                    one[place:place] = other[: rng.randint(0, len(other))]
                case 1:
                    del one[place : place + rng.randint(1, 20)]
                case 2:
                    one[place : place + 1] = rng.randbytes(1)
                case _:
                    one[place:place] = one[: rng.randint(0, min(len(one), 500))]
        yield bytes(one)
