"""The OpenAPI document: complete, and the committed copy is current."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.running import clean_environment

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT: dict[str, Any] = create_app(Settings()).openapi()
OPERATIONS = {f"{verb} {path}": op for path, verbs in DOCUMENT["paths"].items() for verb, op in verbs.items()}


def test_the_committed_copy_is_current() -> None:
    command = [sys.executable, "-m", "service.openapi"]
    printed = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=60, check=True
    ).stdout
    committed = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert printed == committed, "`make openapi` writes docs/openapi.json anew"


def test_operation_ids_are_stable() -> None:
    # Clients are generated from these: renaming one breaks them.
    assert {name: operation["operationId"] for name, operation in OPERATIONS.items()} == {
        "get /anime/{anime_id}/similar": "similarAnime",
        "get /anime/similar": "similarToSeveral",
        "get /anime": "findAnime",
        "get /anime/{anime_id}": "getAnime",
        "get /anime/map": "getMap",
        "get /users/{user_id}/similar": "similarUsers",
        "get /users/{user_id}/recommendations": "recommend",
        "post /recommendations": "recommendToList",
        "post /users/similar": "similarUsersToList",
        "post /recommendations/group": "recommendToGroup",
        "post /users/compare": "compareLists",
        "post /import": "importList",
        "get /model": "getModel",
        "get /health/live": "isLive",
        "get /health/ready": "isReady",
        "get /metrics": "getMetrics",
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_route_documents_its_failures_as_problems(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["tags"]
    assert operation["description"]
    statuses = {"422", "500"} | ({"404"} if "{" in name or name == "get /anime/similar" else set())
    # Where the operator asks for keys, or limits clients.
    statuses |= set() if "health" in name else {"401", "403", "429"}
    statuses |= set() if "live" in name or "metrics" in name else {"503"}
    # What is posted makes answers that cannot be kept, and can fail as a body.
    statuses |= {"408", "413", "415"} if "post" in name else set()
    # A cursor may be of another model.
    statuses |= {"410"} if any(one["name"] == "cursor" for one in operation.get("parameters", [])) else set()
    unchanged = set() if "post" in name else {"304"}
    assert statuses | {"200"} | unchanged == set(operation["responses"])
    for status in statuses:
        (content,) = operation["responses"][status]["content"].items()
        assert content[0] == "application/problem+json"
        assert content[1]["schema"] == {"$ref": "#/components/schemas/Problem"}
        assert content[1]["examples"]


def _leads_to_schema(pointer: str, schema: Any) -> bool:
    """Whether a place of a body is described: /data/0/anime_id."""
    for part in pointer.strip("/").split("/"):
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        schema = schema.get("items", {}) if part.isdigit() else schema.get("properties", {}).get(part)
        if schema is None:
            return False
    return True


def test_links_lead_from_what_answers_hold_to_what_routes_take() -> None:
    by_id = {operation["operationId"]: operation for operation in OPERATIONS.values()}
    links = [
        (operation, link)
        for operation in OPERATIONS.values()
        for link in operation["responses"]["200"].get("links", {}).values()
    ]
    for operation, link in links:
        target = by_id[link["operationId"]]
        assert link.get("parameters", {}).keys() <= {one["name"] for one in target.get("parameters", [])}
        assert ("requestBody" in link) == ("requestBody" in target)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for pointer in re.findall(r"\$response\.body#([/\w]+)", json.dumps(link)):
            assert _leads_to_schema(pointer, schema), pointer
    from_to = {(operation["operationId"], link["operationId"]) for operation, link in links}
    assert {
        ("findAnime", "similarAnime"),
        ("similarAnime", "similarAnime"),
        ("similarUsers", "recommend"),
        ("importList", "recommendToList"),
        ("importList", "compareLists"),
        ("recommendToGroup", "getAnime"),
    } <= from_to
    assert sum("cursor" in link.get("parameters", {}) for _, link in links) == 8


def test_every_reference_of_the_document_leads_somewhere() -> None:
    for name in {part.split('"')[0] for part in json.dumps(DOCUMENT).split("#/components/schemas/")[1:]}:
        assert name in DOCUMENT["components"]["schemas"]
