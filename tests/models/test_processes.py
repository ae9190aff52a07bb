"""Processes that end with the one that began them."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.service.running import ROOT, has_ended, wait_until

_BEGIN: Final = """
import multiprocessing, os, time
from models.processes import end_with_parent

def work():
    end_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(600)

if __name__ == "__main__":
    multiprocessing.get_context("spawn").Process(target=work).start()
    time.sleep(600)
"""


def test_a_process_ends_though_the_one_that_began_it_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "begin.py"
    script.write_text(_BEGIN, encoding="utf-8")
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, script], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait()
        wait_until(lambda: has_ended(child))
