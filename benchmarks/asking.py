"""Asks a running service for what the evaluation measured offline: a few connections, answers in the order asked."""

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx2 as httpx

N_CONNECTIONS: Final = 4
_TIMEOUT_S: Final = 60.0
_PAUSE_S: Final = 0.2

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class ServiceFaultError(Exception):
    """The service is not there, or does not answer as it should; the message is for whoever measures."""


class AskedService:
    """A running service.

    Parameters
    ----------
    url : str
        Without a path, like ``http://127.0.0.1:8000``.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        limits = httpx.Limits(max_connections=N_CONNECTIONS)
        # Nothing between: a proxy of the environment has no business with a service on this machine.
        self._client = httpx.Client(limits=limits, timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._client.close()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for a service that was only just started.

        Parameters
        ----------
        seconds : float
            How long, at most. If it is not ready then, the next question says so.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(ServiceFaultError):
                if self.status_of("/health/ready") == 200:
                    return
            time.sleep(_PAUSE_S)

    def status_of(self, path: str) -> int:
        """Ask for a path, and tell only how it went.

        Returns
        -------
        int
            The status of the answer.

        Raises
        ------
        ServiceFaultError
            If nothing answers.
        """
        return self._send("GET", path).status_code

    def get(self, path: str, **parameters: str | int) -> Any:
        """Ask for a path.

        Parameters
        ----------
        path : str
        **parameters : str or int
            Of the query string.

        Returns
        -------
        object
            The answer's JSON.

        Raises
        ------
        ServiceFaultError
            If nothing answers, or with anything but 200.
        """
        return _content(self._send("GET", path, params=parameters))

    def post(self, path: str, body: Any, **parameters: str | int) -> Any:
        """Post JSON.

        Parameters
        ----------
        path : str
        body : object
            What to send.
        **parameters : str or int
            Of the query string.

        Returns
        -------
        object
            The answer's JSON.

        Raises
        ------
        ServiceFaultError
            If nothing answers, or with anything but 200.
        """
        return _content(self._send("POST", path, params=parameters, json=body))

    def _send(self, verb: str, path: str, **content: Any) -> httpx.Response:
        try:
            return self._client.request(verb, f"{self.url}{path}", **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceFaultError(
                f"{self.url}{path} does not answer ({error}); `python -m service` serves what is published"
            ) from error


def ask_all(
    ask: Callable[[Asked], Answered], questions: Iterable[Asked], told: Callable[[int], None]
) -> list[Answered]:
    """Ask many questions, as many at once as there are connections.

    Parameters
    ----------
    ask : callable
        From a question to its answer.
    questions : iterable
    told : callable
        Is told how many have been answered, now and then.

    Returns
    -------
    list
        The answers, in the order of the questions.
    """
    answers: list[Answered] = []
    with ThreadPoolExecutor(N_CONNECTIONS) as pool:
        for number, answer in enumerate(pool.map(ask, questions), 1):
            answers.append(answer)
            told(number)
    return answers


def _content(answer: httpx.Response) -> Any:
    if answer.status_code != 200:
        raise ServiceFaultError(f"{answer.request.url} was answered with {answer.status_code}: {answer.text[:300]}")
    try:
        return answer.json()
    except ValueError as error:
        raise ServiceFaultError(f"{answer.request.url} was answered with something else than JSON") from error
