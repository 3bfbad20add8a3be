"""The relay: it accepts, orders, logs, stores and forwards what it cannot open.

Never imports the client, and does no cryptography of its own beyond what `envoi_keys` checks.
"""

from __future__ import annotations

__version__ = "0.1.0"
