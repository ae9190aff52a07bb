"""Asks a running service for what the evaluation measured offline: a few connections, answers in the order asked."""

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import httpx2 as httpx

N_CONNECTIONS: Final = 4
_TIMEOUT_S: Final = 60.0
_PAUSE_S: Final = 0.2

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class ServiceFaultError(Exception):
    """The service is not there, or does not answer as it should; the message is for whoever measures."""


class AskedService:
    """A running service at a URL without a path, like ``http://127.0.0.1:8000``. To be closed in the end."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=N_CONNECTIONS)
        # Nothing between: a proxy of the environment has no business with a service on this machine.
        self._client = httpx.Client(limits=limits, timeout=_TIMEOUT_S, trust_env=False)
        self.close = self._client.close

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for a service that was only just started; if it is not ready then, the next question says so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ServiceFaultError):
                if self.send("GET", "/health/ready").status_code == 200:
                    return
            time.sleep(_PAUSE_S)

    def send(self, verb: str, path: str, **content: Any) -> httpx.Response:
        """Ask for a path, whatever the answer is; ``content`` is that of :meth:`httpx.Client.request`.

        Raises
        ------
        ServiceFaultError
            If nothing answers.
        """
        try:
            return self._client.request(verb, f"{self.url}{path}", **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceFaultError(
                f"{self.url}{path} does not answer ({error}); `python -m service` serves what is published"
            ) from error

    def json(self, verb: str, path: str, **content: Any) -> Any:
        """Ask for the JSON of a path.

        Raises
        ------
        ServiceFaultError
            If nothing answers, or with anything but 200.
        """
        answer = self.send(verb, path, **content)
        url, status = answer.request.url, answer.status_code
        if status != 200:
            raise ServiceFaultError(f"{url} was answered with {status}: {answer.text[:300]}")
        try:
            return answer.json()
        except ValueError as error:
            raise ServiceFaultError(f"{url} was answered with something else than JSON") from error


def ask_all(
    ask: Callable[[Asked], Answered], questions: Iterable[Asked], report_progress: Callable[[int], None]
) -> list[Answered]:
    """Ask many questions, as many at once as there are connections, and tell now and then how many are answered.

    Returns
    -------
    list
        The answers, in the order of the questions.
    """
    answers: list[Answered] = []
    with ThreadPoolExecutor(N_CONNECTIONS) as pool:
        for number, answer in enumerate(pool.map(ask, questions), 1):
            answers.append(answer)
            report_progress(number)
    return answers
