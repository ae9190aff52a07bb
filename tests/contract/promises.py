"""What clients and operators may rely on within a major version: ``python -m tests.contract.promises`` writes it.

At a release: what is in the file by then may not go before the next major version.
"""

import json
from pathlib import Path
from typing import Any, Final

from service.settings import PREFIX, Settings

ROOT: Final = Path(__file__).resolve().parents[2]
FILE: Final = Path(__file__).with_name("promises.json")

Promises = dict[str, dict[str, list[str]]]


def read_promises() -> Promises:
    """Read what is there now, from docs/openapi.json and the settings."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    operations = {
        f"{verb.upper()} {path}": op for path, verbs in document["paths"].items() for verb, op in verbs.items()
    }
    return {
        "routes": {name: sorted(_facts(operation)) for name, operation in operations.items()},
        "fields": {name: sorted(schema.get("properties", {})) for name, schema in schemas.items()},
        "settings": {"names": [PREFIX + name.upper() for name in Settings.model_fields]},
    }


def _facts(operation: dict[str, Any]) -> set[str]:
    """Name the parameters with the values that they take, and the schemas of body and answer."""
    facts = set()
    for parameter in operation.get("parameters", []):
        facts |= {parameter["name"], *(f"{parameter['name']}={value}" for value in _values(parameter["schema"]))}
    facts |= {f"answer {name}" for name in _schema_names(operation["responses"]["200"])}
    return facts | {f"body {name}" for name in _schema_names(operation.get("requestBody", {}))}


def _values(schema: dict[str, Any]) -> list[str]:
    """Give the values of an enumeration, of a list or not."""
    parts = [schema, schema.get("items", {}), *schema.get("anyOf", [])]
    return [str(value) for part in parts for value in part.get("enum", [part["const"]] if "const" in part else [])]


def _schema_names(part: dict[str, Any]) -> list[str]:
    contents = part.get("content", {}).values()
    return [
        content["schema"]["$ref"].rpartition("/")[2] for content in contents if "$ref" in content.get("schema", {})
    ]


if __name__ == "__main__":
    lines = {
        kind: {name: ", ".join(facts) for name, facts in named.items()} for kind, named in read_promises().items()
    }
    FILE.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")
