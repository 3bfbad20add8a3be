"""The quorum that a regime's first roster starts with, as lines of a tlog-policy.

Two of three officers of the Point of Contact, the Chair and three Partners act together; or two thirds of
the Partners act alone, so that no office can hold the regime up. The numbers come from the
profile.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from envoi_keys.errors import Malformed

from .profile import Profile

_FRACTIONS: Final = {(2, 3): "two-thirds", (3, 4): "three-quarters", (3, 5): "three-fifths", (1, 1): "all"}


def default_quorum(profile: Profile, officers: Iterable[str], chair: str, partners: Iterable[str]) -> list[str]:
    """The policy lines over these officers (``POC/anne``), this chair's name and these Partners.

    Names are sorted, so that two people who draw the roster up write the same lines. Raises Malformed where
    there are fewer officers or Partners than the profile asks for.
    """
    shape = profile.quorum
    officer_names, partner_names = sorted(set(officers)), sorted(set(partners))
    for names, wanted, field in (
        (officer_names, shape.officers, "officers"),
        (partner_names, shape.partners, "partners"),
    ):
        if len(names) < wanted:
            raise Malformed(
                f"has {len(names)} names; the quorum of {profile.regime} asks for {wanted} of them",
                field=field,
            )
    numerator, denominator = shape.alone
    # Rounded up: 24 of 35 are two thirds, 23 are not.
    alone = -(-len(partner_names) * numerator // denominator)
    officers_group = f"{shape.officers_of.lower()}-officers"
    some_group = f"partners-{shape.partners}"
    alone_group = f"partners-{_FRACTIONS.get(shape.alone, f'{numerator}-of-{denominator}')}"
    return [
        f"group {officers_group} {shape.officers} {' '.join(officer_names)}",
        f"group {some_group} {shape.partners} {' '.join(partner_names)}",
        f"group joint all {officers_group} {chair} {some_group}",
        f"group {alone_group} {alone} {' '.join(partner_names)}",
        f"group either any joint {alone_group}",
        "quorum either",
    ]
