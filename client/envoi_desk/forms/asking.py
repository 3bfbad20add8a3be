"""Asking the questions of a guided form, one after another, of a person at a terminal.

The terminal is two functions, so a test can sit at it. Every answer that is taken is saved before the next question.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from envoi_client.documents import AggregateDenial, DenialNotice, InvalidDocument

from .guide import Guide, Question
from .odd import oddities

_BACK: Final = "<"
_HELP: Final = "?"


def fill_in(
    guide: Guide, ask: Callable[[str], str], talk: Callable[[str], None], save: Callable[[dict[str, str]], None]
) -> DenialNotice | AggregateDenial:
    """The document that a person has filled in.

    ``ask`` shows a question and answers what was typed, ``talk`` says something, ``save`` keeps the answers. What
    ``ask`` raises goes through, as the draft is saved.
    """
    talk(guide.words("say.begin"))
    while True:
        question = guide.question()
        if question is None:
            try:
                return guide.document()
            except InvalidDocument as error:
                # What only the whole shows, such as one party twice: the question comes again.
                talk(str(error))
                guide.retract(error.problems[0])
                if guide.question() is None:
                    raise
                continue
        typed = ask(_shown(guide, question, talk)).strip()
        if typed == _BACK:
            guide.back()
        elif typed == _HELP:
            talk(f"  {question.help}")
            continue
        else:
            problems = guide.answer(question, typed)
            for problem in problems:
                hint = f"; {problem.hint}" if problem.hint else ""
                talk(f"  {guide.words('say.wrong')}: {problem.message}{hint}")
            if not problems:
                for odd in oddities(guide.answers[question.key]):
                    talk(f"  {guide.words('say.odd')}: {odd}")
        save(guide.answers)


def _shown(guide: Guide, question: Question, talk: Callable[[str], None]) -> str:
    """The question as it is asked; its choices are said before it."""
    words = guide.words
    for number, choice in enumerate(question.choices, 1):
        term = words.term(choice)
        talk(f"  {number} {choice}" if term == choice.replace("_", " ") else f"  {number} {choice} ({term})")
    if question.choices:
        return f"{question.label} ({words('say.choices')})"
    if question.key == "exercise":
        return f"{question.label} ({words('say.yes_or_no')})"
    if question.default:
        return f"{question.label} [{question.default}]"
    return f"{question.label} ({words('say.optional')})" if question.optional else question.label
