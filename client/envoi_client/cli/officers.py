"""``envoi officer init``: a signing key for an officer of the Point of Contact, at the officer's own machine."""

from __future__ import annotations

import os
import time
from typing import Annotated

from cyclopts import Parameter

from envoi_client.enrol import enrol_officer
from envoi_keys.enrolments import verify_officer
from envoi_keys.errors import LocalError
from envoi_keys.fingerprints import signing_fingerprint
from envoi_keys.statements import ADDRESSEE, SUB_ADDRESS

from .common import DEFAULT, Common


def init(
    id_: Annotated[str, Parameter(name="ID")],
    /,
    *,
    state: str,
    work_factor: int | None = None,
    common: Common = DEFAULT,
) -> None:
    """Make an officer's signing key, at the officer's own machine.

    Parameters
    ----------
    id_
        The officer's id: the office, a slash, a name in lower case.
    state
        The state the officer acts for.
    work_factor
        log2 of scrypt's N for the vault.
    """
    if not SUB_ADDRESS.fullmatch(id_):
        raise LocalError(
            f"{id_!r} is no officer's id", hint="write the office, a slash and a name in lower case, such as POC/anne"
        )
    if not ADDRESSEE.fullmatch(state):
        raise LocalError(f"{state!r} is no state's id", hint="write it in capitals, such as --state FR")
    home = common.find_home()
    note = enrol_officer(
        home,
        id_,
        state,
        common.passphrase(confirm=True, question="A passphrase for the new vault"),
        now=int(time.time()),
        random=os.urandom,
        **({} if work_factor is None else {"work_factor": work_factor}),
    )
    print_ = signing_fingerprint(verify_officer(note).signing)
    common.answer(
        {"officer": id_, "state": state, "enrolment": str(home.enrolment), "fingerprint": print_},
        [f"officer      {id_} ({state})", f"enrolment    {home.enrolment}", f"fingerprint  {print_}"],
    )
