"""The dependency rule: training -> models <- service. Nothing else crosses, but for what asks a bundle."""

import ast
import functools
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HEAVY = {"tensorflow", "keras", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib"}
WEB = {"fastapi", "starlette", "uvicorn", "orjson", "prometheus_client", "pydantic_settings", "rapidfuzz"}
FORBIDDEN = {
    "models": {"service", "training", "tests", "typer", "rich"} | HEAVY | WEB,
    "service": {"training", "tests"} | HEAVY,
    "training": {"service", "tests"} | WEB,
}
# The one module that may, and what of the service (ADR 27).
ASKING = ROOT / "training" / "asking.py"
ASKED = {"recommending", "importing"}
# Each package's rooms, the lowest first: a room imports from those before it. A room is a folder or a module, and the
# settings of a room (its config.py) count among the settings.
ROOMS = {
    "models": "errors cores processes folder_lock bundle objects scoring golden store object_store",
    "service": (
        "version worker_environment settings recommending importing operations local_store keys api precompute "
        "models app openapi worker __main__"
    ),
    "training": (
        "errors settings support dump lists item_weights franchises embeddings similar_users ranking recommending "
        "similar_anime evaluation work_folder publishing updating background pipeline leaderboard demo "
        "printing options asking cli __main__"
    ),
}
MODULES = sorted(path for package in FORBIDDEN for path in (ROOT / package).rglob("*.py"))


def _imported(path: Path) -> set[str]:
    """Find every top-level package that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in {"import_module", "__import__"}:
                found |= {str(arg.value).partition(".")[0] for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return found


@functools.cache
def _imports() -> dict[Path, set[str]]:
    return {path: _imported(path) for path in MODULES}


def test_no_module_imports_what_its_package_must_not_know() -> None:
    crossing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path, imported in _imports().items()
        for name in imported & FORBIDDEN[path.relative_to(ROOT).parts[0]]
        if (path, name) != (ASKING, "service")
    }
    assert not crossing


def test_the_commands_that_ask_a_bundle_know_the_services_domain_alone() -> None:
    assert _imported_rooms(ASKING, of="service") == ASKED


def _room(parts: tuple[str, ...]) -> str:
    return "settings" if parts[0] == "training" and parts[-1] == "config" else parts[1]


def _imported_rooms(path: Path, of: str = "") -> set[str]:
    """Find every room that a module imports from, its own left out; of its own package unless another is named."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # From a package come modules, from a module its contents.
            is_package = (ROOT / Path(*node.module.split("."))).is_dir()
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if is_package else {node.module}
    dotted = (tuple(name.split(".")) for name in names)
    return {_room(name) for name in dotted if name[0] == (of or parts[0]) and len(name) > 1} - {_room(parts)}


def test_rooms_import_only_from_rooms_below() -> None:
    found = set()
    for path in MODULES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[1] == "__init__":
            continue
        order, room = ROOMS[parts[0]].split(), _room(parts)
        assert room in order, f"{path} is in no room that has a place in the order"
        above = {other for other in _imported_rooms(path) if order.index(other) > order.index(room)}
        found |= {(parts[0], room, other) for other in above}
    assert not found


def test_the_domain_knows_nothing_of_http() -> None:
    for path in (path for room in ASKED for path in (ROOT / "service" / room).rglob("*.py")):
        assert not _imports()[path] & {"fastapi", "starlette", "uvicorn"}, path
        assert "api" not in _imported_rooms(path), path


def test_only_embeddings_import_tensorflow() -> None:
    others = {
        path: names for path, names in _imports().items() if ROOT / "training" / "embeddings" not in path.parents
    }
    assert not {path for path, names in others.items() if names & {"tensorflow", "keras"}}
    assert any("tensorflow" in names for names in _imports().values())


def test_every_package_was_walked() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == {"models", "service", "training"}
    assert len(MODULES) > 100
    assert _imports()[ROOT / "models" / "bundle" / "reader.py"] >= {"numpy", "pydantic", "models"}


def _loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.split())


def test_models_load_numpy_pydantic_and_faiss_and_neither_half() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.is_relative_to(ROOT / "models")
    ]
    # The index of many users loads faiss when there is one.
    loaded = _loaded_after("import faiss, " + ", ".join(modules))
    assert loaded >= {"models", "numpy", "pydantic", "faiss"}
    assert not loaded & FORBIDDEN["models"]


def test_the_commands_that_train_nothing_do_not_load_tensorflow() -> None:
    assert not _loaded_after("import training.cli, training.pipeline, training.publishing") & {"tensorflow", "keras"}
