"""Settings of one home: from the command line, then the environment, then the home's file.

Nothing secret is a setting. Each value knows where it came from, so that ``envoi doctor`` can say it.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from envoi_keys.errors import LocalError

from .files import Home, read_bounded, write_whole

DEFAULT_HOME: Final = Path("~/.envoi")
ENVIRONMENT: Final = "ENVOI_"
_MAX_BYTES: Final = 64 * 1024
_USERINFO: Final = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Settings:
    """``relay`` is the base URL.

    ``regime`` the profile's name; ``ca_file`` and ``proxy`` concern the way there.
    """

    member: str = ""
    relay: str = ""
    regime: str = "mtcr"
    ca_file: str = ""
    proxy: str = ""


NAMES: Final = tuple(field.name for field in fields(Settings))


def find_home(flag: Path | None, environment: Mapping[str, str] = os.environ) -> Home:
    """The home that the flag, ``ENVOI_HOME`` or the default names."""
    return Home((flag or Path(environment.get("ENVOI_HOME") or DEFAULT_HOME)).expanduser().absolute())


def home_origin(flag: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """Who named the home: the flag, the environment, or nobody."""
    return "--home" if flag else "ENVOI_HOME" if environment.get("ENVOI_HOME") else "default"


def load(
    home: Home, flags: Mapping[str, str | None], environment: Mapping[str, str] = os.environ
) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each the place it came from.

    Raises LocalError that names the file and the setting.
    """
    values: dict[str, str] = {}
    origins = dict.fromkeys(NAMES, "default")
    for name, value in _read(home.config).items():
        values[name], origins[name] = value, str(home.config)
    for name in NAMES:
        variable = ENVIRONMENT + name.upper()
        if environment.get(variable):
            values[name], origins[name] = environment[variable], variable
        flag = flags.get(name)
        if flag:
            values[name], origins[name] = flag, f"--{name.replace('_', '-')}"
    return Settings(**values), origins


def shown(value: str) -> str:
    """A setting as it may be shown: without the password that an address, a proxy's, may hold."""
    return _USERINFO.sub("//...@", value)


def change(home: Home, values: Mapping[str, str]) -> None:
    """Write those of ``values`` that are not empty into the home's file, and leave the others as they stand there.

    What the environment says is not written: it holds for one run. Raises LocalError.
    """
    said = {name: value for name, value in values.items() if value}
    if said:
        save(home, Settings(**(_read(home.config) | said)))


def save(home: Home, settings: Settings) -> None:
    """Write the settings that differ from the defaults to the home's file. Raises LocalError."""
    default = Settings()
    # A TOML basic string takes the escapes that JSON writes.
    lines = [
        f"{name} = {json.dumps(getattr(settings, name))}"
        for name in NAMES
        if getattr(settings, name) != getattr(default, name)
    ]
    write_whole(home.config, ("\n".join(lines) + "\n").encode())


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(read_bounded(path, _MAX_BYTES).decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LocalError(f"{path} is not TOML: {error}", hint='write lines such as: relay = "https://..."') from None
    for name, value in content.items():
        if name not in NAMES:
            raise LocalError(f"{path}: {name} is no setting", hint=f"the settings are: {', '.join(NAMES)}")
        if not isinstance(value, str):
            raise LocalError(f"{path}: {name} is not a string", hint=f'write: {name} = "..."')
    return content
