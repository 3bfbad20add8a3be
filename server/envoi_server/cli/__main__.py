"""``python -m envoi_server.cli``: the command ``envoi-poc`` where it is not on the path."""

from __future__ import annotations

from . import main

main()
