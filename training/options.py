"""The options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Data = Annotated[str, typer.Option("--data", help="Folder of a dump, or s3://, gs://, postgresql://, sqlite:///.")]
Queries = Annotated[Path | None, typer.Option("--queries", help="TOML file with queries for a database.")]
Work = Annotated[Path, typer.Option("--work", help="Folder for what the stages hand on.")]
Store = Annotated[str, typer.Option("--store", help="Folder of published bundles, or s3://..., gs://...")]
Network = Annotated[str, typer.Option("--network", help="The network to publish: autoencoder or rating.")]
Only = Annotated[Literal["embeddings"] | None, typer.Option(help="embeddings: quickly, without item weights.")]
Compare = Annotated[
    bool | None,
    typer.Option(
        "--compare/--no-compare",
        help="Train and measure the other network and the baselines too. [default: up to 5 million rows]",
    ),
]
MinUser = Annotated[int | None, typer.Option("--min-user-rows", help="Rows a user needs. [default: 5]")]
MinAnime = Annotated[int | None, typer.Option("--min-anime-rows", help="Rows an anime needs. [default: 5]")]
Seed = Annotated[int | None, typer.Option("--seed", help="Of everything random in the networks. [default: 0]")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting; `settings` lists them.", metavar="NAME=VALUE")
]
Anew = Annotated[bool, typer.Option("--prepare-anew", help="Prepare even a dump that has not changed since.")]
Keep = Annotated[bool, typer.Option("--keep-users", help="Keep users of the bundle whom the dump lacks.")]
Log = Annotated[Path | None, typer.Option("--tensorboard", help="Folder for TensorBoard logs.")]
Engine = Annotated[str, typer.Option("--engine", help="local, or a Dask scheduler: tcp://HOST:8786 or tls://...")]
