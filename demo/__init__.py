"""The demonstration: a whole exchange on this machine, and a relay that cheats. Run it with ``make demo``."""
