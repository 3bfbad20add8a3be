"""A screening as text for a terminal of 100 columns, made from the value that is kept of it.

Software proposes: the sentence comes first, then what it rests on. Names of strangers are safe to print and kept in
their place, and what looks like something else is said to. Reference lists stand apart under a heading of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from envoi_client.documents.text import printable, safe, wrap

from ..forms.odd import oddities
from .sentences import NOT_COVERED, listed
from .values import GONE

WIDTH: Final = 100
_INDENT: Final = 3
_LABEL: Final = 8
_MAX_END_USE: Final = 160
_WHICH: Final = {"name": "", "alias": ", alias", "original_script": ", original script"}
_EXERCISE: Final = "EXERCISE EXERCISE EXERCISE"
_MOST_SHOWN: Final = 5
_OTHERWISE: Final = "the case has changed, or how names are compared"


def view(result: Mapping[str, Any], *, limit: int, ended: bool = False, new: bool = False) -> dict[str, Any]:
    """What is shown of a run: at most ``limit`` hits, with those that no longer stand, or only what is new."""
    hits = [hit for hit in result["hits"] if hit["new"] or not new]
    gone = [hit for hit in result["ended"] if hit["new"] or not new]
    # That a notice which was shown has ended since is news, whether or not ended ones were asked for.
    told = gone if ended or new else []
    lists = result["lists"] and [hit for hit in result["lists"] if hit["new"] or not new]
    return {
        **result,
        "hits": hits[:limit],
        "more": max(0, len(hits) - limit),
        "only_new": new,
        "ended": told[:limit],
        "ended_count": len(result["ended"]),
        "lists": lists and lists[:limit],
        "lists_more": max(0, len(lists or ()) - limit),
    }


def run_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """The lines of what :func:`view` gave."""
    exercise = [_EXERCISE] if shown["exercise"] else []
    yield from exercise
    as_of = "" if shown["as_of"] is None else f", as of index {shown['as_of']}"
    read = f"read to index {shown['head']}" if shown["head"] >= 0 else "nothing received yet"
    yield f"case {safe(shown['case'])}  {shown['status']}"
    yield f"run {shown['run']}, {shown['screened_at']}, {read}{as_of}, weights {shown['weights']}"
    yield _count(shown)
    for number, hit in enumerate((*shown["hits"], *shown["ended"]), 1):
        yield ""
        yield from hit_lines(number, hit)
    for one in shown["lost"]:
        yield ""
        why = f"{one['from']} changed its {listed(one['changed'])}" if one["changed"] else _OTHERWISE
        why = "it is not on file any more" if one["state"] == GONE else why
        yield from _wrapped(f"{one['reference']} no longer meets this case: {why}.", 0)
    yield from _notes(shown)
    if shown["lists"] is not None:
        yield ""
        yield from _list_lines(shown)
    yield from exercise


def hit_lines(number: int, hit: Mapping[str, Any]) -> Iterator[str]:
    """One hit."""
    marks = [hit["state"].replace("_", " "), f"rank {hit['rank']:.2f}"]
    marks += ["new"] if hit["new"] and hit["disposition"] is None else []
    marks += [] if hit["covered_by_no_undercut"] else [NOT_COVERED]
    yield f"{number}  {printable(hit['reference'])}  {', '.join(marks)}"
    yield from _wrapped(hit["sentence"])
    for pair in hit["pairs"][:_MOST_SHOWN]:
        yield from _pair_lines(pair)
    if (left := len(hit["pairs"]) - _MOST_SHOWN) > 0:
        yield from _labelled("", f"{amount(left, 'more pair', 'more pairs')} of parties meet: --json shows all")
    ours, theirs = hit["stated_end_use"]["case"], hit["stated_end_use"]["notice"]
    if ours and theirs:
        yield from _labelled("end-use", f"{_line(ours)} (case); {_line(theirs)} (notice)")
    yield from disposition_lines(hit["disposition"])


def _pair_lines(pair: Mapping[str, Any]) -> Iterator[str]:
    ours, theirs = pair["case"], pair["notice"]
    yield from _labelled("case", _name(ours))
    yield from _labelled("notice", _name(theirs))
    more = [f"names {pair['score']:.2f}"]
    more += [f"address {pair['address']:.2f}"] if pair["address"] is not None else []
    more += ["same country"] if pair["same_country"] else [f"{ours['country']} and {theirs['country']}"]
    more += [f"same number {safe(one['value'])} ({safe(one['kind'])})" for one in pair["identifiers"][:_MOST_SHOWN]]
    yield from _labelled("", ", ".join(more))
    yield from _reasons(pair, ours["name"], theirs["name"])


def _line(text: str) -> str:
    """A text of several lines as one, cut where it is long."""
    joined = " ".join(text.split())
    return joined if len(joined) <= _MAX_END_USE else f"{joined[: _MAX_END_USE - 3]}..."


def _reasons(compared: Mapping[str, Any], *names: str) -> Iterator[str]:
    """Which words counted how much, and what is odd about the names."""
    tokens = "; ".join(
        f"{printable(token['case']) or '-'} = {printable(token['notice']) or '-'} {token['how']} {token['weight']:.2f}"
        for token in compared["tokens"]
    )
    yield from _labelled("", tokens)
    if compared["reasons"]:
        yield from _labelled("", "; ".join(compared["reasons"]))
    for name in names:
        for odd in oddities(name):
            yield from _labelled("beware", odd)


def _name(side: Mapping[str, Any]) -> str:
    which = _WHICH[side["which"]]
    of = "" if side["which"] == "name" else f" of {printable(side['party'])}"
    return f"{printable(side['name'])} ({side['role'].replace('_', ' ')}{which}{of})"


def disposition_lines(decided: Mapping[str, Any] | None) -> Iterator[str]:
    """What was decided about a hit, and whether that still holds."""
    if decided is None:
        return
    still = "carried over" if decided["carried_over"] else f"decide again: {listed(decided['changed'])} changed"
    yield from _labelled("decided", f"{_decision(decided)} ({still})")


def decision_lines(decisions: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What was decided about a case, each with the notice it is about."""
    for one in decisions:
        yield from _wrapped(f"{printable(one['reference'])}: {_decision(one)}", 0)


def _decision(decided: Mapping[str, Any]) -> str:
    by = f"by {printable(decided['officer'])} on {decided['decided_at'][:10]}"
    return f"{decided['decision'].replace('-', ' ')} {by}: {printable(decided['reason'])}"


def _count(shown: Mapping[str, Any]) -> str:
    total = len(shown["hits"]) + shown["more"]
    more = f", {shown['more']} more: {_all_of(shown, shown['more'])}" if shown["more"] else ""
    if shown["only_new"]:
        return f"{amount(total, 'notice is new to it or has', 'notices are new to it or have')} changed{more}"
    return f"{amount(total, 'notice', 'notices')} in force {'meet' if total > 1 else 'meets'} it{more}"


def _notes(shown: Mapping[str, Any]) -> Iterator[str]:
    hidden = shown["ended_count"] - len(shown["ended"])
    if hidden and not shown["only_new"]:
        yield ""
        would = amount(hidden, "notice that was", "notices that were")
        yield f"{would} revoked or superseded would also match: --revoked shows {'it' if hidden == 1 else 'them'}"


def _list_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    yield "Reference lists, which are not denials:"
    if not shown["lists"]:
        yield "no entry is new to it" if shown["only_new"] else "no entry meets it"
    for hit in shown["lists"]:
        marks = ", new" if hit["new"] and hit["disposition"] is None else ""
        yield f"{safe(hit['reference'])}  names {hit['score']:.2f}{marks}"
        yield from _wrapped(hit["sentence"])
        yield from _reasons(hit, hit["case"]["name"], hit["listed"])
        yield from disposition_lines(hit["disposition"])
    if shown["lists_more"]:
        yield f"{amount(shown['lists_more'], 'more entry', 'more entries')}: {_all_of(shown, shown['lists_more'])}"


def _all_of(shown: Mapping[str, Any], more: int) -> str:
    """How to see what the limit has left out. What is new was told, and is not new a second time."""
    if not shown["only_new"]:
        return "--limit shows them"
    return f"envoi screen show {safe(shown['case'])} --limit {len(shown['hits']) + len(shown['lists'] or ()) + more}"


def _wrapped(text: str, indent: int = _INDENT) -> Iterator[str]:
    for line in wrap(text, WIDTH - indent):
        yield " " * indent + line


def _labelled(label: str, text: str) -> Iterator[str]:
    """The text beside a label, its further lines under its first."""
    indent = _INDENT + _LABEL
    for number, line in enumerate(wrap(text, WIDTH - indent)):
        yield " " * _INDENT + f"{label if number == 0 else '':<{_LABEL}}{line}"


def amount(count: int, one: str, many: str) -> str:
    """So many of something, in words: "no notice", "1 notice", "2 notices"."""
    if not count:
        return f"no {one}"
    return f"1 {one}" if count == 1 else f"{count} {many}"
