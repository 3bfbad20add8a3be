"""What an officer is told after every sync; ``envoi sync`` finds it by :data:`.commands.EXTENSION`."""

from __future__ import annotations

from envoi_client.node import Node

from .consultation.agenda import reminders
from .desk import Desk


def after_sync(node: Node) -> list[str]:
    """What an officer wants to know after a sync: notices that came, what was refused, what is due."""
    desk = Desk.open(node)
    news = desk.news
    lines = []
    if news.versions:
        lines.append(f"{len(news.versions)} new in the register: envoi screen --all")
    lines += [f"refused for the register: {one.reference} of {one.author}: {one.reason}" for one in news.refused]
    lines += reminders(desk)
    return lines
