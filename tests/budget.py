"""How many examples a property test draws: the profile's number, or fewer where one is dear.

A number that stood in the test would hold for `make fuzz` too, and shorten the very run that is to be long.
"""

from __future__ import annotations

from hypothesis import settings


def at_most(examples: int) -> settings:
    """The profile's settings with at most so many examples; those of the fuzz profile as they are."""
    profile = settings.get_current_profile_name()
    return settings() if profile == "fuzz" else settings(max_examples=min(examples, settings().max_examples))
