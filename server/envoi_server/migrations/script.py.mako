"""${message}

Safety: a migration runs while the relay is stopped and carries every row both up and down. It never rewrites the
stored bytes of a statement, a body or a log entry: these are signed or hashed by somebody else.

Revision: ${up_revision}, after ${down_revision | comma,n}, ${create_date}
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: str | None = ${repr(branch_labels)}
depends_on: str | None = ${repr(depends_on)}


def upgrade() -> None:
    """Carry the schema and its rows forward."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Carry the schema and its rows back."""
    ${downgrades if downgrades else "pass"}
