"""All settings of a run in one model. `--set network.name=value` changes any of them."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from training.dump.config import PrepareConfig
from training.embeddings.config import AutoencoderConfig, RatingConfig
from training.errors import InputError
from training.item_weights.config import ItemsConfig
from training.recommending.config import RerankerConfig
from training.similar_anime.config import SimilarConfig

NetworkName = Literal["autoencoder", "rating"]

# An epoch of the rating network on a hundred million rows takes twenty minutes.
_MOST_ROWS_COMPARED: Final = 5_000_000


def _read_none(value: Any) -> Any:
    """Read the word None as none, as `settings` shows it."""
    return None if value == "None" else value


class RunSettings(BaseModel):
    """The settings of a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_user_rows: Annotated[int, Field(ge=0, description="Rows a user needs, plan-to-watch left out")] = 5
    min_anime_rows: Annotated[int, Field(ge=0, description="Rows an anime needs, plan-to-watch left out")] = 5
    network: Annotated[NetworkName, Field(description="The network that is published")] = "autoencoder"
    only: Annotated[
        Literal["embeddings"] | None,
        BeforeValidator(_read_none),
        Field(description="embeddings: no item weights, nothing ranked with them"),
    ] = None
    quick_users: Annotated[
        int, Field(ge=1, description="Users whose lists a run of embeddings only learns from, at most")
    ] = 65_536
    compare: Annotated[
        bool | None,
        BeforeValidator(_read_none),
        Field(description="Train and measure the other network and the baselines too; none: up to 5 million rows"),
    ] = None
    max_test_users: Annotated[int, Field(ge=1, description="Users who are measured, at most; picked by a hash")] = 750
    hold_out: Annotated[bool, Field(description="Publish without the users who test: unseen users over HTTP")] = False
    test_fold: Annotated[
        int, Field(ge=0, lt=10, description="Who tests: users whose hash modulo 10 is this; all others train")
    ] = 1
    split_seed: Annotated[int, Field(ge=0, lt=2**63, description="Draws the targets of the test users")] = 0
    prepare: PrepareConfig = PrepareConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    rating: RatingConfig = RatingConfig()
    similar: SimilarConfig = SimilarConfig()
    items: ItemsConfig = ItemsConfig()
    reranker: RerankerConfig = RerankerConfig()

    def compares(self, n_rows: int) -> bool:
        """Return whether a run of so many rows trains and measures the other network and the baselines too."""
        if self.compare is None:
            return self.only is None and n_rows <= _MOST_ROWS_COMPARED
        return self.compare


def make_settings(options: dict[str, Any], assignments: Sequence[str]) -> RunSettings:
    """Make the settings of a run.

    Options are None where they were not given; assignments are ``name=value`` or ``network.name=value``.

    Raises
    ------
    InputError
        If a setting is unknown or its value out of range.
    """
    values: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    seed = values.pop("seed", None)
    for group in ("autoencoder", "rating", "similar", "reranker"):
        values[group] = {} if seed is None else {"seed": seed}
    values["items"], values["prepare"] = {}, {}
    known = dict(_walk(RunSettings()))
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or name not in known:
            raise InputError(f"--set {assignment}: expected NAME=VALUE with NAME one of {', '.join(known)}")
        group, dot, key = name.rpartition(".")
        (values[group] if dot else values)[key] = value
    try:
        return RunSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {name} = {first['input']!r}: {first['msg']}") from error


def describe_settings() -> list[tuple[str, str, str]]:
    """List every setting: name, default and meaning."""
    return [(name, str(value), meaning) for name, (value, meaning) in _walk(RunSettings())]


def _walk(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, tuple[Any, str]]]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _walk(value, f"{name}.")
        else:
            yield prefix + name, (value, field.description or "")
