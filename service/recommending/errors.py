"""What can go wrong with a request, without a word of HTTP.

::

    ServiceError               a stable code, what is wrong, what would help
    ├── UnknownAnimeError      no such anime in the model
    ├── UnknownUserError       no such user in the model
    ├── InvalidRequestError    parameters or a body that cannot be understood, each fault with what was expected
    ├── StaleCursorError       a cursor of another model than the one that answers
    ├── MediaTypeError         a body that is nothing that is read, by its own account
    ├── UnreadableListError    a file that is no list, or none that can be read
    ├── BodyTooLargeError      a body that is too large to be read
    ├── BodyTimeoutError       a body that takes too long to arrive
    ├── BusyError              no room for a body beside those that are being read and answered
    ├── UnauthorizedError      no key, or one that nobody has
    ├── ForbiddenError         a key, but not for this
    ├── TooManyRequestsError   more than a client may ask
    ├── NotReadyError          the model is still being read
    └── ModelRefusedError      the published bundle cannot be used

:mod:`service.api.problems` maps each to an HTTP answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from models.bundle.layout import UserId

# How many faults of one request are listed, and how many characters are given back of names and texts that came.
MAX_ISSUES: Final = 20
MAX_NAME: Final = 50
MAX_TEXT: Final = 100


@dataclass(frozen=True)
class Issue:
    """What is wrong with one parameter, or with one place of a body."""

    parameter: str  # as the client wrote it, or the place, like ratings[3].rating
    expected: str
    received: str | None  # None where nothing came


class ServiceError(Exception):
    """A request cannot be answered: what is wrong with it, and what would help."""

    code: ClassVar[str] = "service_error"

    def __init__(self, detail: str, hint: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class UnknownAnimeError(ServiceError):
    """The model has no such anime."""

    code = "unknown_anime"

    def __init__(self, anime_id: int) -> None:
        super().__init__(
            f"anime {anime_id} is not in the model", "GET /anime?query= finds the anime the model knows, by title"
        )


class UnknownUserError(ServiceError):
    """The model has no such user; names some that it has."""

    code = "unknown_user"

    def __init__(self, user_id: UserId, some_ids: Sequence[UserId]) -> None:
        # Texts in quotes, so that one sees where they end.
        unknown, *known = (repr(one[:MAX_TEXT] if isinstance(one, str) else one) for one in (user_id, *some_ids))
        super().__init__(f"user {unknown} is not in the model", f"ids of users it knows: {', '.join(known)}, ...")


class InvalidRequestError(ServiceError):
    """Parameters or a body cannot be understood: at least one issue, of which the first twenty are kept.

    ``n_faults`` is how many faults there are, where ``issues`` are not all of them.
    """

    code = "invalid_request"

    def __init__(self, issues: Sequence[Issue], hint: str | None = None, *, n_faults: int | None = None) -> None:
        n_faults = n_faults or len(issues)
        self.issues = tuple(issues[:MAX_ISSUES])
        if n_faults > MAX_ISSUES:
            more = f"{n_faults} faults in all, of which {MAX_ISSUES} are listed"
            hint = f"{hint}; {more}" if hint else more
        names = ", ".join(dict.fromkeys(issue.parameter for issue in self.issues))
        super().__init__(f"the request cannot be understood: {names}", hint)


class StaleCursorError(ServiceError):
    """A cursor is of another model than the one that answers now."""

    code = "stale_cursor"

    def __init__(self, model_version: str) -> None:
        super().__init__(
            f"this cursor is of another model; {model_version} answers now", "begin again without cursor"
        )


class MediaTypeError(ServiceError):
    """A body is nothing that is read, by its own account; names the media type or the encoding, if one came."""

    code = "unsupported_media_type"

    def __init__(
        self,
        received: str | None,
        read_as: str = "plain JSON only",
        hint: str = "send content-type: application/json",
    ) -> None:
        what = f"came as {received[:MAX_TEXT]}" if received else "came without a media type"
        super().__init__(f"the body {what}, and is read as {read_as}", hint)


class UnreadableListError(ServiceError):
    """A file is no list, or none that can be read; says what it is."""

    code = "unreadable_list"


class BodyTooLargeError(ServiceError):
    """A body is too large to be read, as it came or unpacked."""

    code = "body_too_large"

    def __init__(self, max_bytes: int, what: str = "the body") -> None:
        super().__init__(f"{what} is larger than {max_bytes} bytes", "a list has at most 20000 entries")


class BodyTimeoutError(ServiceError):
    """A body takes too long to arrive."""

    code = "request_timeout"

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"the body did not arrive within {timeout_s:g} seconds", "send it again, all of it at once")


class BusyError(ServiceError):
    """There is no room for a body beside those that are being read and answered."""

    code = "busy"

    def __init__(self, detail: str = "too many lists are being received at once") -> None:
        super().__init__(detail, "send it again in a second")


class UnauthorizedError(ServiceError):
    """A request comes without a key that this service knows."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("this service answers those who have a key", "send authorization: Bearer KEY")


class ForbiddenError(ServiceError):
    """A key is known, but not for this."""

    code = "forbidden"

    def __init__(self, scope: str) -> None:
        super().__init__(f"this key has no scope {scope}", "the operator gives scopes to keys")


class TooManyRequestsError(ServiceError):
    """A client asks more often than it may."""

    code = "too_many_requests"

    def __init__(self, wait_s: float) -> None:
        self.retry_after_s = max(1, math.ceil(wait_s))
        super().__init__("this client asks more often than it may", f"ask again in {self.retry_after_s} seconds")


class NotReadyError(ServiceError):
    """The model is still being read."""

    code = "not_ready"

    def __init__(self) -> None:
        super().__init__("the model is still being read and checked", "ask again in a second")


class ModelRefusedError(ServiceError):
    """The published bundle cannot be used, so there is nothing to answer with."""

    code = "model_refused"

    def __init__(self, fault: str) -> None:
        hint = "publish a sound bundle and restart the service"
        super().__init__(f"the published bundle was refused: {fault}", hint)
