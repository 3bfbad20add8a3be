"""Every setting of the relay, in one place, with its unit in its name.

A value comes from a flag, else from the environment (``ENVOI_POC_*``), else from ``relay.toml`` in the home,
else from the default here; :func:`explain` says which. Nothing secret is a setting: a listing may be shown.
Limits of the public formats stand in ``envoi_keys.limits``; those here are the relay's own.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from envoi_keys.encoding import HEX32
from envoi_keys.errors import LocalError
from envoi_keys.limits import GIB, KIB, MAX_BLOB_BYTES, MIB

ENV_PREFIX: Final = "ENVOI_POC_"
FILE_NAME: Final = "relay.toml"
DEFAULT_HOME: Final = Path("~/.envoi-poc")
NO_PROXY: Final = "none"
_ORIGIN: Final = r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}"


class Settings(BaseSettings):
    """The relay's settings. Made by :func:`load`; frozen once made."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=True)
    # Which file the TOML source reads depends on the home, which is only known when the settings are made.
    toml_file: ClassVar[Path | None] = None

    home: Path = Field(description="the directory of the log key, the database and the blobs")
    origin: str = Field("", pattern=f"^({_ORIGIN})?$", description="the log's origin, a name for ever")
    url: str = Field("", description="the public URL, audience of tokens; empty: the address it listens on")
    roster_id: str = Field("", pattern=f"^({HEX32.pattern})?$", description="id of the first roster it accepts")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8470, ge=0, le=65535, description="port to listen on; 0: any free one")
    trusted_proxies: str = Field(
        "", description="addresses whose X-Forwarded-For is believed, comma-separated; or none"
    )
    database_url: str = Field("", description="SQLAlchemy URL without a password; empty: relay.db in the home")

    token_seconds: int = Field(600, ge=10, le=3600, description="life of an access token")
    clock_skew_seconds: int = Field(60, ge=1, le=600, description="how far a caller's clock may be off")
    assertion_seconds: int = Field(60, ge=1, le=600, description="longest life of a client assertion")

    max_wait_seconds: int = Field(60, ge=0, le=300, description="longest wait of a feed request")
    waits_per_caller: int = Field(16, ge=1, description="feed waits and event streams of one caller at once")
    feed_page_entries: int = Field(1000, ge=1, le=10_000, description="most entries in one page of the feed")

    caller_rate_per_second: float = Field(1000, gt=0, description="requests of one caller, sustained")
    caller_burst: int = Field(2000, ge=1, description="requests of one caller, at once")
    address_rate_per_second: float = Field(50, gt=0, description="unauthenticated requests of one address")
    address_burst: int = Field(400, ge=1, description="unauthenticated requests of one address, at once")

    max_connections: int = Field(4096, ge=1, description="connections at once; more are answered 503")
    connections_per_address: int = Field(512, ge=1, description="connections at once from one address, not a proxy's")
    header_deadline_seconds: float = Field(10, gt=0, description="for a request's head to arrive")
    max_header_bytes: int = Field(32 * KIB, ge=KIB, description="a request's line and headers")
    body_deadline_seconds: float = Field(30, gt=0, description="for a small request body to arrive")
    upload_stall_seconds: float = Field(60, gt=0, description="for each MiB of an upload to arrive")
    send_stall_seconds: float = Field(60, gt=0, description="for the reader to take the next part of an answer")
    shutdown_seconds: int = Field(10, ge=0, description="for running requests to end when the relay stops")

    max_blob_bytes: int = Field(MAX_BLOB_BYTES, ge=1, le=MAX_BLOB_BYTES, description="one blob")
    blob_quota_bytes: int = Field(64 * GIB, ge=1, description="blobs of one member, finished or not")
    partial_blobs_per_caller: int = Field(64, ge=1, description="unfinished uploads of one member")
    min_free_bytes: int = Field(256 * MIB, ge=0, description="disk kept free of blobs, for the log")
    sweep_age_seconds: int = Field(24 * 3600, ge=1, description="age at which an unreferenced blob goes")
    sweep_every_seconds: float = Field(900, gt=0, description="between two sweeps")

    metrics_from: str = Field("127.0.0.1,::1", description="addresses that may read /metrics, comma-separated")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="least level logged")
    log_requests: bool = Field(True, description="log a line for each request")

    @field_validator("url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("is not an http or https URL")
        return value.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag over environment over file; no .env file and no secrets directory is read."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, cls.toml_file)

    @property
    def proxies(self) -> frozenset[str]:
        """The addresses whose X-Forwarded-For is believed; empty for ``none``."""
        named = {part.strip() for part in self.trusted_proxies.split(",")}
        return frozenset(named - {"", NO_PROXY})

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of the records."""
        return self.database_url or f"sqlite:///{self.home / 'relay.db'}"


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting, its value and where that came from."""

    name: str
    value: Any
    source: str
    description: str


def resolve_home(home: Path | None) -> Path:
    """The home from the flag, else ``ENVOI_POC_HOME``, else ``~/.envoi-poc``; absolute."""
    return Path(home or os.environ.get(f"{ENV_PREFIX}HOME") or DEFAULT_HOME).expanduser().absolute()


def load(home: Path | None = None, **flags: Any) -> Settings:
    """Settings for ``home``; a flag that is None was not given. Raises LocalError for what cannot be used."""
    settings, _ = _load(home, flags)
    return settings


def explain(home: Path | None = None, **flags: Any) -> list[Explained]:
    """Every setting in force and its source, in the order in which they are declared. Raises LocalError."""
    settings, sources = _load(home, flags)
    return [
        Explained(name, getattr(settings, name), sources.get(name, "default"), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _load(home: Path | None, flags: dict[str, Any]) -> tuple[Settings, dict[str, str]]:
    directory = resolve_home(home)
    path = directory / FILE_NAME

    class Located(Settings):
        toml_file = path if path.is_file() else None

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        settings = Located(home=directory, **given)
        from_file = TomlConfigSettingsSource(Located, Located.toml_file)()
        from_env = EnvSettingsSource(Located)()
    except ValidationError as error:
        raise _readable(error, path) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise LocalError(f"cannot read {path}: {error.strerror}") from None
    sources = dict.fromkeys(from_file, str(path))
    sources |= {name: f"{ENV_PREFIX}{name.upper()}" for name in from_env}
    sources |= dict.fromkeys(given, "flag")
    sources["home"] = "flag" if home else sources.get("home", "default")
    return settings, sources


def _readable(error: ValidationError, path: Path) -> LocalError:
    first = error.errors(include_url=False, include_input=False)[0]
    name = ".".join(str(part) for part in first["loc"]) or "settings"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, Settings.model_fields, n=1)
        known = f"did you mean {near[0]}?" if near else "`envoi-poc config` lists the settings"
        return LocalError(f"setting {name} does not exist", hint=f"{known} (it stands in {path})")
    return LocalError(
        f"setting {name}: {message[:1].lower()}{message[1:]}",
        hint=f"it is set by flag, by {ENV_PREFIX}{name.upper()} or in {path}",
    )
