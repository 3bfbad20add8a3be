"""The vault: all secrets of one identity in one passphrase-encrypted age file.

The stock age tool opens it (``age -d vault.age``). It is written whole or not at all, mode 0600, and never
written over an existing one by accident; a vault that others may read is refused with the fix. The passphrase
stays in memory while the vault is open, to write it again, and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

from envoi_keys.age_header import parse
from envoi_keys.errors import LocalError, Malformed, Unverified

from . import age
from .files import read_bounded, require_private, write_whole
from .limits import MAX_VAULT_BYTES, SCRYPT_WORK_FACTOR
from .passphrase import checked
from .seeds import Secrets


class Vault:
    """An open vault: ``path`` is its file, ``secrets`` what it holds."""

    __slots__ = ("_passphrase", "_work_factor", "path", "secrets")

    def __init__(self, path: Path, secrets: Secrets, passphrase: str, work_factor: int) -> None:
        self.path = path
        self.secrets = secrets
        self._passphrase = passphrase
        self._work_factor = work_factor

    @classmethod
    def create(cls, path: Path, passphrase: str, secrets: Secrets, *, work_factor: int = SCRYPT_WORK_FACTOR) -> Vault:
        """Write a new vault; ``work_factor`` is log2 of scrypt's N. Raises LocalError if there is one."""
        cls.require_none(path)
        vault = cls(path, secrets, checked(passphrase), work_factor)
        vault.save(secrets)
        return vault

    @staticmethod
    def require_none(path: Path) -> None:
        """Raise LocalError if there is a vault at ``path``."""
        if path.exists():
            raise LocalError(
                f"{path} exists already",
                hint="a vault is never overwritten; move it away if you are sure",
            )

    @classmethod
    def open(cls, path: Path, passphrase: str) -> Vault:
        """Open a vault. Raises LocalError: missing, open to others, another passphrase, damaged."""
        if not path.exists():
            raise LocalError(f"there is no vault at {path}", hint="make one with: envoi init")
        require_private(path)
        sealed = read_bounded(path, MAX_VAULT_BYTES)
        passphrase = checked(passphrase)
        try:
            work_factor = _work_factor(sealed)
            plain = age.unseal(sealed, [age.ScryptIdentity(passphrase)])
            return cls(path, Secrets.parse(plain), passphrase, work_factor)
        except age.NoMatch:
            raise LocalError("the passphrase does not open the vault", hint="check the keyboard's layout") from None
        except (Malformed, Unverified) as error:
            raise LocalError(
                f"{path} is damaged: {error.message}", hint="restore it from its backup; it was not changed"
            ) from None

    def save(self, secrets: Secrets) -> None:
        """Replace what the vault holds, whole or not at all. Raises LocalError."""
        recipient = age.ScryptRecipient(self._passphrase, self._work_factor)
        write_whole(self.path, age.seal(secrets.dump(), [recipient]))
        # Only now: if the write failed, this object still says what the file says.
        self.secrets = secrets


def _work_factor(sealed: bytes) -> int:
    """The work factor under which a vault was made, kept when it is written again. Raises Malformed."""
    stanzas = parse(sealed)[0].stanzas
    if len(stanzas) != 1 or stanzas[0].args[0] != "scrypt" or len(stanzas[0].args) != 3:
        raise Malformed("it is not encrypted with a passphrase", field="age header")
    # Its range is checked by whoever uses it; here it only must not be a number of a million digits.
    digits = stanzas[0].args[2]
    return int(digits) if digits.isdecimal() and len(digits) <= 2 else SCRYPT_WORK_FACTOR
