"""``python -m service.openapi`` prints the OpenAPI document; docs/openapi.json is a copy."""

import json
import sys

from service.app import create_app
from service.settings import Settings


def main() -> None:
    """Print the document."""
    document = create_app(Settings.model_construct()).openapi()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
