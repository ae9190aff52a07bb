"""Whatever is imported, asked, posted, sent, published or put into a dump: no fault, no crash, no hang.

In CI the inputs to begin with and random changes of them are tried for some seconds; by ``make chaos`` atheris looks
for an hour for inputs that reach more of the code.
"""

import importlib
import itertools
import random
import subprocess
import sys
import time
from importlib.util import find_spec
from typing import Any, Final

import pytest

from tests.chaos.fuzzing import TARGETS
from tests.chaos.fuzzing.inputs import ROOT, changed
from tests.chaos.scale import IS_FULL
from tests.service.running import clean_environment

SECONDS: Final = 2.0


@pytest.mark.parametrize("target", TARGETS)
def test_what_comes_is_taken_or_refused(target: str) -> None:
    module: Any = importlib.import_module(f"tests.chaos.fuzzing.{target}")
    rng, started = random.Random(0), time.process_time()
    given = module.seeds()
    rng.shuffle(given)
    for data in itertools.chain(given[:100], changed(given, rng)):
        module.run(data)
        if time.process_time() - started > SECONDS:
            break


@pytest.mark.skipif(not IS_FULL, reason="takes an hour; `make chaos` runs it")
@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed (extra fuzz; Linux on x86-64)")
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.timeout(7200)
def test_what_reaches_more_of_the_code_is_taken_or_refused_too(target: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.chaos.fuzzing", target]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), timeout=7000, check=False, capture_output=True)
    report = done.stderr.decode(errors="replace")
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-5000:] + report[-5000:]
    sys.stdout.write(report.splitlines()[-1] + "\n")
