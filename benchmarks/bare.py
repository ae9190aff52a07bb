"""The bar to be measured against: a FastAPI route that returns the same bytes and does nothing else."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response


def make_bare_app(folder: Path) -> FastAPI:
    """Build an application with one route per file of a folder.

    Parameters
    ----------
    folder : Path
        ``<name>.json`` is served at ``/<name>/{key}``, so that a path parameter is parsed as in the service.
    """
    app = FastAPI()
    for path in sorted(folder.glob("*.json")):
        _add_route(app, path.stem, path.read_bytes())
    return app


def _add_route(app: FastAPI, name: str, body: bytes) -> None:
    async def answer(key: int) -> Response:
        del key
        return Response(body, media_type="application/json")

    app.get(f"/{name}/{{key}}")(answer)


if __name__ == "__main__":
    uvicorn.run(
        make_bare_app(Path(sys.argv[1])), host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="error"
    )
