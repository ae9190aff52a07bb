"""The page at /, and the documentation at /docs: nothing in them comes from elsewhere."""

from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles

PAGE: Final = Path(__file__).resolve().parent.parent / "page"
DOCS_ASSETS: Final = "/docs/assets"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_page() -> FileResponse:
    """Show the page."""
    return FileResponse(PAGE / "index.html", headers={"cache-control": "no-cache"})


def add_page(app: FastAPI) -> None:
    """Serve the page and its parts.

    Parameters
    ----------
    app : FastAPI
    """
    app.include_router(router)
    app.mount("/page", StaticFiles(directory=PAGE))


def add_docs(app: FastAPI, root_path: str) -> None:
    """Serve /docs with Swagger UI's own files, so that it works without the internet.

    Parameters
    ----------
    app : FastAPI
    root_path : str
        Path under which a reverse proxy serves the application.
    """
    # FastAPI's own /docs loads them from a content delivery network.
    app.mount(DOCS_ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))

    async def show_docs() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=f"{root_path}{app.openapi_url}",
            title=f"{app.title}: API",
            swagger_js_url=f"{root_path}{DOCS_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root_path}{DOCS_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root_path}/page/icon.svg",
        )

    app.get("/docs", include_in_schema=False)(show_docs)
