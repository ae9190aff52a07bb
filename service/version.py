"""Which release of the service this is."""

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Give the version of the installed package; "0" where the code runs without having been installed."""
    try:
        return version("osusume")
    except PackageNotFoundError:
        return "0"
