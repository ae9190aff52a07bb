"""``python -m service.keys NAME``: make a key for a client, and the lines for the file of OSUSUME_API_KEYS."""

import argparse
import sys
from collections.abc import Sequence

from service.operations.keys import SCOPES, new_key


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lines for the file, and on standard error the key, which nothing keeps."""
    parser = argparse.ArgumentParser(prog="python -m service.keys", description="Make a key for a client.")
    parser.add_argument("name", help="who will have it, of letters, digits, - and _", type=_name)
    parser.add_argument("--scopes", nargs="+", choices=SCOPES, default=["read", "lists"], help="(read lists)")
    options = parser.parse_args(arguments)
    key, lines = new_key(options.name, options.scopes)
    sys.stdout.write(lines)
    sys.stderr.write(f"Authorization: Bearer {key}\n")
    return 0


def _name(text: str) -> str:
    if not text or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text):
        raise argparse.ArgumentTypeError("should be letters, digits, - and _")
    return text


if __name__ == "__main__":
    sys.exit(main())
