"""Coverage-guided fuzzing: a module for each target, with ``seeds``, ``WORDS`` and ``run``, which takes any bytes.

``python -m tests.chaos.fuzzing TARGET`` runs one with atheris, where it is installed (extra ``fuzz``).
"""

from typing import Final

#: Seconds of processor time that each target gets by ``make chaos``: an hour in all.
TARGETS: Final = {"imports": 900, "queries": 900, "lists": 400, "heads": 200, "bundles": 700, "dumps": 500}
