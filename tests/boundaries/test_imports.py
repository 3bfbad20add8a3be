"""What each side loads when it runs, seen from a fresh interpreter: contracts miss dynamic imports."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from ..tools import ROOT
from .isolation import python

WEB = {
    "alembic",
    "fastapi",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}
CIPHERS = "cryptography.hazmat.primitives.ciphers"

# Imports every module of a package and runs the statements given; prints what was loaded and, for each import,
# who asked for what.
PROBE = """
import builtins, importlib, json, pkgutil, sys
real, asked = builtins.__import__, []
def spy(name, globals=None, locals=None, fromlist=(), level=0):
    asker = (globals or {}).get("__name__", "")
    if level == 0:
        asked.extend([asker, full] for full in [name, *(f"{name}.{part}" for part in fromlist or ())])
    return real(name, globals, locals, fromlist, level)
builtins.__import__ = spy
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
exec(sys.argv[2])
print(json.dumps({"loaded": sorted(sys.modules), "asked": asked}))
"""

# Building the application asks nothing of the relay behind it but its parts, so none has to be open for it.
BUILD_APP = """
from pathlib import Path
from unittest.mock import Mock
from envoi_server import app, settings
app.create_app(Mock(), settings.load(Path.cwd()))
"""


def probe(package: str, cwd: Path, then: str = "") -> tuple[set[str], list[tuple[str, str]]]:
    """All modules that a package's modules load, and every (importer, imported) pair by name."""
    found = json.loads(python("-c", PROBE, package, then, cwd=cwd))
    return set(found["loaded"]), [(asker, name) for asker, name in found["asked"]]


def top_level(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_the_relay_loads_nothing_of_the_client(tmp_path: Path) -> None:
    loaded, _ = probe("envoi_server", tmp_path, BUILD_APP)
    assert "envoi_keys" in loaded
    assert top_level(loaded).isdisjoint({"envoi_client", "envoi_desk", "sqlcipher3", "httpx"})


def test_the_relay_loads_no_cipher_that_could_open_a_body(tmp_path: Path) -> None:
    """Bodies are opened by HPKE, scrypt and ChaCha20-Poly1305; the relay's process loads none of them."""
    loaded, _ = probe("envoi_server", tmp_path, BUILD_APP)
    primitives = "cryptography.hazmat.primitives."
    assert loaded.isdisjoint({f"{primitives}ciphers.aead", f"{primitives}hpke", f"{primitives}kdf.scrypt"})


def test_only_the_token_library_brings_block_ciphers_to_the_relay(tmp_path: Path) -> None:
    """PyJWT imports cryptography's key serialisation, which imports block ciphers for encrypted SSH keys.

    So "no cipher module at all" cannot hold in a process that reads tokens. What does hold: nobody but
    cryptography itself asks for them, nobody but PyJWT asks for that serialisation, and what is loaded is no
    more than `import jwt` alone loads.
    """
    loaded, asked = probe("envoi_server", tmp_path, BUILD_APP)
    alone = python("-c", "import jwt, json, sys; print(json.dumps(sorted(sys.modules)))", cwd=tmp_path)
    assert {name for name in loaded if "ciphers" in name} <= set(json.loads(alone))
    for asker, name in asked:
        if name.startswith((CIPHERS, "cryptography.hazmat.decrepit")):
            assert asker.startswith("cryptography."), f"{asker} imports {name}"
        if name.startswith("cryptography.hazmat.primitives.serialization"):
            assert asker.partition(".")[0] in {"cryptography", "jwt"}, f"{asker} imports {name}"


def test_public_knowledge_loads_no_cipher_at_all(tmp_path: Path) -> None:
    loaded, _ = probe("envoi_keys", tmp_path)
    assert not {name for name in loaded if name.startswith(CIPHERS)}


def test_the_client_loads_no_web_framework_and_no_sqlalchemy(tmp_path: Path) -> None:
    loaded, _ = probe("envoi_client", tmp_path)
    assert top_level(loaded).isdisjoint(WEB | {"envoi_server"})


def test_only_the_transport_knows_the_http_library() -> None:
    """docs/decisions/0002: a change of library touches one module."""
    importers = set()
    for path in sorted((ROOT / "client" / "envoi_client").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            if any(name.partition(".")[0] in {"httpx", "httpcore"} for name in names):
                importers.add(path.relative_to(ROOT / "client" / "envoi_client").as_posix())
    assert importers == {"transport/http.py"}


@pytest.mark.parametrize("name", ["server", "client", "keys", "migrations", "tests", "benchmarks", "demo"])
def test_a_folder_of_the_repository_is_not_importable(name: str) -> None:
    code = f"import importlib.util; print(importlib.util.find_spec({name!r}))"
    assert python("-c", code, cwd=ROOT).strip() == "None"
