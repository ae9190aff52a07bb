"""The page at /, and the documentation at /docs: nothing in them comes from elsewhere."""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

PAGE: Final = Path(__file__).resolve().parent.parent / "page"
DOCS_ASSETS: Final = "/docs/assets"
_DOCS_LINK: Final = '<a href="docs">API</a>'
# The page shows a view for each of these: what its address says.
VIEWS: Final = ("/", "/a/{anime_id}", "/u/{user_id:any_text}", "/list", "/together", "/map", "/map/{anime_id}")
# Nobody else is asked, but for covers and AniList's lists, once the visitor wants them.
_CONTENT_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: https://cdn.myanimelist.net; "
    "connect-src 'self' https://api.jikan.moe https://graphql.anilist.co; base-uri 'self'; form-action 'self'"
)


class _PageFiles(StaticFiles):
    """The page's parts. Browsers ask whether they have changed: old ones do not go with the page of an update."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "no-cache"
        return response


def add_page(app: FastAPI, root_path: str, *, docs: bool) -> None:
    """Serve the page and its parts; it links to /docs if there is one."""
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    # Addresses of the page are relative to its base, whatever the view.
    html = html.replace('<base href="/">', f'<base href="{root_path}/">', 1)
    if not docs:
        html = html.replace(_DOCS_LINK, "")
    headers = {
        "cache-control": "no-cache",
        "etag": f'"{hashlib.sha256(html.encode()).hexdigest()[:16]}"',
        "content-security-policy": _CONTENT_POLICY,
    }

    async def show_page() -> HTMLResponse:
        return HTMLResponse(html, headers=headers)

    for view in VIEWS:
        app.get(view, include_in_schema=False)(show_page)
    app.mount("/page", _PageFiles(directory=PAGE))


def add_docs(app: FastAPI, root_path: str) -> None:
    """Serve /docs with Swagger UI's own files, so that it works without the internet."""
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

    for path in ("/docs", "/docs/"):
        app.get(path, include_in_schema=False)(show_docs)
