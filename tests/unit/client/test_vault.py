"""The vault: one age file, opened by the age tool too, replaced whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client import age
from envoi_client.seeds import MemberSeeds, Secrets
from envoi_client.vault import Vault
from envoi_keys.errors import EnvoiError, LocalError, Malformed

from ...tools import program

FACTOR = 10
PASSPHRASE = "correct horse battery staple"


def counting() -> Callable[[int], bytes]:
    """Randomness that is the same in each run and never the same twice in one."""
    calls = iter(range(1_000_000))
    return lambda size: hashlib.shake_256(b"test %d" % next(calls)).digest(size)


SECRETS = Secrets.generate(counting(), member="FR", officer="POC/anne")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.age"


def test_what_goes_in_comes_out(path: Path) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    assert Vault.open(path, PASSPHRASE).secrets == SECRETS
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_age_tool_opens_it(path: Path, tmp_path: Path) -> None:
    tool, script = program("age"), program("script")
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    # age asks on the terminal and nowhere else; script gives it one.
    command = shlex.join([tool, "-d", "-o", str(tmp_path / "plain"), str(path)])
    done = subprocess.run(
        [script, "-qec", command, os.devnull],
        input=f"{PASSPHRASE}\n".encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    inside = json.loads((tmp_path / "plain").read_bytes())
    assert inside["type"] == "envoi/vault/v1"
    assert SECRETS.member is not None
    assert inside["member"]["sealing"] == list(SECRETS.member.sealing)


def test_no_secret_is_in_the_file_or_in_a_repr(path: Path) -> None:
    vault = Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    raw = path.read_bytes()
    shown = repr(vault.secrets) + repr(vault)
    inside = json.loads(SECRETS.dump())
    for secret in (inside["store"], *inside["member"]["sealing"], inside["member"]["transport"]):
        assert secret.encode() not in raw
        assert secret not in shown
    assert "signing" not in shown
    assert PASSPHRASE not in shown


def test_an_existing_vault_is_not_overwritten(path: Path) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    before = path.read_bytes()
    with pytest.raises(LocalError, match="exists already"):
        Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    assert path.read_bytes() == before


def test_another_passphrase_does_not_open_it(path: Path) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    with pytest.raises(LocalError, match="the passphrase does not open the vault"):
        Vault.open(path, PASSPHRASE + " ")


def test_a_vault_is_written_again_under_its_own_work_factor(path: Path) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    vault = Vault.open(path, PASSPHRASE)
    vault.save(replace(vault.secrets, officers={}))
    assert path.read_bytes().split(b"\n")[1].endswith(b" 10")
    assert Vault.open(path, PASSPHRASE).secrets.officers == {}


def test_a_write_that_fails_leaves_the_old_file_and_the_old_secrets(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalError, match="no space left"):
        vault.save(Secrets.generate(counting()))
    assert vault.secrets == SECRETS
    assert Vault.open(path, PASSPHRASE).secrets == SECRETS


KILLED = """
import os, pathlib, sys
from dataclasses import replace
from envoi_client import files
from envoi_client.vault import Vault
vault = Vault.open(pathlib.Path(sys.argv[1]), sys.argv[2])
moment = sys.argv[3]
if moment == "before":
    os.fsync = lambda descriptor: os._exit(9)
else:
    files.sync_directory = lambda directory: os._exit(9)
vault.save(replace(vault.secrets, officers={}))
"""


@pytest.mark.parametrize(("moment", "officers"), [("before", SECRETS.officers), ("after", {})])
def test_a_crash_in_the_middle_leaves_the_old_vault_or_the_new_one(
    path: Path, moment: str, officers: dict[str, bytes]
) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    command = [sys.executable, "-c", KILLED, str(path), PASSPHRASE, moment]
    assert subprocess.run(command, check=False, timeout=60).returncode == 9
    assert SECRETS.officers
    assert Vault.open(path, PASSPHRASE).secrets == replace(SECRETS, officers=officers)


def test_a_vault_open_to_others_is_refused_with_the_fix(path: Path) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    path.chmod(0o640)
    with pytest.raises(LocalError, match="open to others") as caught:
        Vault.open(path, PASSPHRASE)
    assert caught.value.hint == f"chmod 600 {path}"


def test_a_missing_vault_says_how_to_make_one(path: Path) -> None:
    with pytest.raises(LocalError, match="no vault") as caught:
        Vault.open(path, PASSPHRASE)
    assert caught.value.hint == "make one with: envoi init"


@pytest.mark.parametrize("where", [30, 250, -1])
def test_a_changed_byte_is_damage(path: Path, where: int) -> None:
    Vault.create(path, PASSPHRASE, SECRETS, work_factor=FACTOR)
    raw = bytearray(path.read_bytes())
    raw[where] ^= 1
    path.write_bytes(raw)
    with pytest.raises(LocalError):
        Vault.open(path, PASSPHRASE)


def test_a_file_for_a_key_is_no_vault(path: Path) -> None:
    path.write_bytes(age.seal(b"{}", [age.X25519Identity.generate().recipient]))
    path.chmod(0o600)
    with pytest.raises(LocalError, match="not encrypted with a passphrase"):
        Vault.open(path, PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"x", b"age-encryption.org/v1\n-> scrypt\n"])
def test_garbage_is_no_vault(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(LocalError, match="damaged"):
        Vault.open(path, PASSPHRASE)


# -- what is inside


def test_every_kind_of_key_follows_from_its_own_seed() -> None:
    member = SECRETS.member
    assert member is not None
    assert member.signer().public.name == "FR"
    assert member.cosigner().public.name == "FR"
    ((recipient, identity),) = member.identities().items()
    assert recipient.startswith("age1pq1")
    assert age.unseal(age.seal(b"x", [identity.recipient]), [identity]) == b"x"
    assert SECRETS.officer("POC/anne").public.name == "POC/anne"
    with pytest.raises(LocalError, match="no key of POC/ben"):
        SECRETS.officer("POC/ben")


def test_an_officer_alone_has_no_keys_of_a_member() -> None:
    alone = Secrets.generate(counting(), officer="DE/max")
    assert alone.member is None
    assert Secrets.parse(alone.dump()) == alone


def _with(**changes: object) -> Secrets:
    assert SECRETS.member is not None
    return replace(SECRETS, member=replace(SECRETS.member, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"transport": SECRETS.store},
        {"cosigning": SECRETS.member.transport if SECRETS.member else b""},
        {"signing": bytes(64)},
        {"signing": SECRETS.officers["POC/anne"]},
        {"sealing": (age.HybridIdentity(SECRETS.store).encode(),)},
    ],
)
def test_one_secret_never_serves_two_purposes(changes: dict[str, object]) -> None:
    with pytest.raises(LocalError, match="one secret for two purposes"):
        _with(**changes)


def test_a_vault_edited_to_share_a_secret_is_refused(path: Path) -> None:
    inside = json.loads(SECRETS.dump())
    inside["member"]["transport"] = inside["store"]
    path.write_bytes(age.seal(json.dumps(inside).encode() + b"\n", [age.ScryptRecipient(PASSPHRASE, FACTOR)]))
    path.chmod(0o600)
    with pytest.raises(LocalError, match="one secret for two purposes"):
        Vault.open(path, PASSPHRASE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda inside: inside.pop("store"), "store: is missing"),
        (lambda inside: inside.update(type="envoi/vault/v2"), "type:"),
        (lambda inside: inside.update(more=1), "more: is not a field"),
        (lambda inside: inside["member"].update(signing="AAAA"), "member.signing: has 3 bytes"),
        (lambda inside: inside["member"].update(sealing=[]), "member.sealing: has 0 items"),
        (lambda inside: inside["member"].update(sealing=["AGE-SECRET-KEY-1XXX"]), "member.sealing[0]:"),
        (lambda inside: inside["officers"].update({"POC/ben": 1}), "officers.POC/ben: is not a string"),
    ],
)
def test_what_is_wrong_inside_is_named(change: Callable[[dict[str, object]], object], field: str) -> None:
    inside = json.loads(SECRETS.dump())
    change(inside)
    with pytest.raises(Malformed) as caught:
        Secrets.parse(json.dumps(inside).encode() + b"\n")
    assert str(caught.value).startswith(field)


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(0, 9), lambda s: st.dictionaries(
    st.sampled_from(["type", "store", "member", "officers", "name", "sealing"]), s, max_size=6
)))  # fmt: skip
def test_any_json_is_secrets_or_one_of_our_errors(value: object) -> None:
    try:
        parsed = Secrets.parse(json.dumps(value).encode() + b"\n")
    except EnvoiError:
        return
    assert Secrets.parse(parsed.dump()) == parsed


def test_member_seeds_do_not_show_themselves() -> None:
    member = MemberSeeds.generate("FR", counting())
    assert repr(member) == "MemberSeeds(name='FR')"
