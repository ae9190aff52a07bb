"""The line of each request, where it cannot be written."""

import errno
import io
import os
import sys

import pytest

from service.operations.logs import AccessLog


class FullDisk(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_line_that_cannot_be_written_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    scope = {"type": "http", "path": "/anime/1", "query_string": b"", "client": ("127.0.0.1", 1)}
    AccessLog("text").write(scope, "GET", 200, 0.001, "a-1")
    AccessLog("json").write(scope, "GET", 200, 0.001, "a-1")
