"""The rules between the fields of a denial notice, and between the notice and its regime.

Each rule looks only at fields that are sound in themselves, reports every breach of it, and says what would
be right. The rules that are the regime's own (its list, its clocks, its form of references) take their
numbers from the profile.
"""

from __future__ import annotations

from collections.abc import Collection

from envoi_keys.countries import country_name
from envoi_keys.regimes import WITHHELD, Profile

from .dates import add_months
from .denial import CATCH_ALL, NOT_LISTED, DenialNotice, Party, Status
from .problems import Problems, did_you_mean
from .references import EXAMPLE_YEAR
from .text import shown


def check_notice(notice: DenialNotice, profile: Profile, partners: Collection[str], problems: Problems) -> None:
    """Report every breach in ``notice``, whose fields have been read; ``partners`` may notify."""
    check_author(notice.notifying_government, profile, partners, problems)
    _check_references(notice, profile, problems)
    _check_category(notice, profile, problems)
    _check_dates(notice, profile, problems)
    _check_amounts(notice, problems)
    _check_reasons(notice, problems)
    for position, party in enumerate(notice.parties):
        check_names(party, f"parties[{position}]", problems)


def check_entry(code: str, path: str, profile: Profile, problems: Problems) -> None:
    """Report a control entry that the regime's list does not have."""
    entry = profile.annex.find(code)
    if entry is not None and entry.controls:
        return
    if entry is not None and entry.reserved:
        problems.add(path, f"item {code} of the Annex is reserved", "name an entry of another item")
    elif entry is not None:
        codes = (one.code for one in profile.annex.entries() if one.controls)
        first = next((one for one in codes if one.startswith(f"{code}.")), None)
        hint: str | None = f"name the entry, such as {first}" if first else "nothing is listed under it"
        problems.add(path, f"{code} is {_article(entry.level)} of the Annex, not an entry", hint)
    else:
        item = profile.annex.find(code.partition(".")[0])
        if item is not None and item.reserved:
            problems.add(path, f"item {item.code} of the Annex is reserved", "name an entry of another item")
            return
        near = profile.annex.nearest(code)
        hint = did_you_mean(code, [CATCH_ALL]) or (f"did you mean {near.code}?" if near else None)
        problems.add(path, f"{shown(code)} is not an entry of the Annex", hint)


def _article(level: str) -> str:
    return f"{'an' if level[0] in 'aeiou' else 'a'} {level}"


def check_author(author: str, profile: Profile, partners: Collection[str], problems: Problems) -> None:
    """Report a ``notifying_government`` that may not notify."""
    if not problems.clear_of("notifying_government") or author in partners:
        return
    name = country_name(author) or author
    if any(state.id == author for state in profile.adherents):
        problems.add("notifying_government", f"{name} ({author}) is an adherent", "only Partners notify denials")
    else:
        problems.add("notifying_government", f"{name} ({author}) is not a Partner of the {profile.regime.upper()}")


def check_reference(
    field: str, reference: str, author: str, year: int | None, profile: Profile, problems: Problems
) -> None:
    """Report a ``reference`` of another form than the regime's, or of another state than the ``author``.

    ``year`` is that of the example, None where the document has no sound date to take it from.
    """
    if not reference or not problems.clear_of(field):
        return
    form = profile.denials.reference
    author_known = problems.clear_of("notifying_government")
    state = form.state(reference)
    if state is None:
        example = form.example(author if author_known else profile.partners[0].id, year or EXAMPLE_YEAR)
        problems.add(field, f"{shown(reference)} is not of the form {form}", f"write it like {example}")
    elif author_known and state != author:
        problems.add(
            field,
            f"{reference} belongs to {state}, but notifying_government is {author}",
            "a Partner amends and revokes its own notices" if field == "supersedes" else "correct one of the two",
        )


def _check_references(notice: DenialNotice, profile: Profile, problems: Problems) -> None:
    year = notice.date_of_denial.year if problems.clear_of("date_of_denial") else None
    author = notice.notifying_government
    check_reference("regime_reference", notice.regime_reference, author, year, profile, problems)
    check_reference("supersedes", notice.supersedes or "", author, year, profile, problems)
    if notice.supersedes == notice.regime_reference and problems.clear_of("regime_reference", "supersedes"):
        problems.add(
            "supersedes",
            "is the notice's own reference",
            "write the reference of the notice that it replaces",
        )


def check_catch_all(entries: Collection[str], problems: Problems) -> None:
    """Report ``control_entries`` that are both on the list and on none."""
    if problems.clear_of("control_entries") and CATCH_ALL in entries and len(entries) > 1:
        problems.add(
            "control_entries",
            "catch-all stands beside entries of the Annex",
            "an item is on the list or it is not: remove one or the other",
        )


def _check_category(notice: DenialNotice, profile: Profile, problems: Problems) -> None:
    entries, category = notice.control_entries, notice.annex_category
    check_catch_all(entries, problems)
    if not problems.clear_of("control_entries"):
        return
    if not problems.clear_of("annex_category"):
        return
    if notice.catch_all and category != NOT_LISTED:
        problems.add("annex_category", f"{category} does not fit a catch-all denial", f"write {NOT_LISTED}")
    if notice.catch_all:
        return
    right = profile.annex.category(entries)
    if right is not None and category != right:
        decisive = next(code for code in entries if profile.annex.category([code]) == right)
        problems.add(
            "annex_category",
            f"{category} does not fit {decisive}, which is in Category {right}",
            f"write {right}",
        )


def _check_dates(notice: DenialNotice, profile: Profile, problems: Problems) -> None:
    denied, notified, review = notice.date_of_denial, notice.date_of_notification, notice.review_by
    if problems.clear_of("date_of_denial", "date_of_notification") and notified < denied:
        problems.add(
            "date_of_notification",
            f"{notified} is before date_of_denial, {denied}",
            "a denial is notified once it is made: correct one of the two",
        )
    if not problems.clear_of("date_of_notification", "review_by"):
        return
    months = profile.clocks.review_months
    latest = add_months(notified, months)
    if review <= notified:
        problems.add(
            "review_by",
            f"{review} is not after date_of_notification, {notified}",
            f"write a day up to {latest}",
        )
    elif review > latest:
        problems.add(
            "review_by",
            f"{review} is more than {months} months after date_of_notification, {notified}",
            f"write {latest} or an earlier day",
        )


def _check_amounts(notice: DenialNotice, problems: Problems) -> None:
    for number, unit, amount, of in (
        ("quantity", "unit", notice.quantity, notice.unit),
        ("value", "currency", notice.value, notice.currency),
    ):
        if not problems.clear_of(number, unit):
            continue
        if amount is not None and of is None:
            what = "pieces or kg" if unit == "unit" else "EUR or USD"
            problems.add(unit, f"is missing beside {number}", f"say of what, such as {what}")
        if amount is None and of is not None:
            problems.add(number, f"is missing beside {unit}", f"write the number or leave {unit} out")
    if notice.quantity == 0 and problems.clear_of("quantity"):
        problems.add("quantity", "0 is not a quantity", "leave the field out if it is not known")


def _check_reasons(notice: DenialNotice, problems: Problems) -> None:
    reason = notice.reason_for_refusal
    if problems.clear_of("reason_for_refusal"):
        if reason.code == WITHHELD and reason.text is not None:
            problems.add(
                "reason_for_refusal.text",
                "is given although the reason is withheld",
                "remove the text, or write the code of the reason",
            )
        if reason.code != WITHHELD and reason.text is None:
            problems.add(
                "reason_for_refusal.text",
                "is missing",
                'give the reason in words, or write the code "withheld"',
            )
    check_revocation(notice.status, notice.revocation_reason, problems)


def check_revocation(status: Status, reason: str | None, problems: Problems) -> None:
    """Report a revocation without its reason, or a reason without a revocation."""
    if not problems.clear_of("status", "revocation_reason"):
        return
    if status is Status.REVOKED and reason is None:
        problems.add("revocation_reason", "is missing", "a revoked notice says why it was revoked")
    if status is not Status.REVOKED and reason is not None:
        problems.add(
            "revocation_reason",
            f"is given, but status is {status}",
            "write the status revoked, or leave the reason out",
        )


def check_names(party: Party, path: str, problems: Problems) -> None:
    """Report an alias of the ``party`` at ``path`` that stands among its names already."""
    seen = {_folded(party.name)} if problems.clear_of(f"{path}.name") else set()
    for position, alias in enumerate(party.aliases):
        alias_path = f"{path}.aliases[{position}]"
        if not problems.clear_of(alias_path):
            continue
        if _folded(alias) in seen:
            problems.add(alias_path, f"{shown(alias)} stands among the names already", "leave it out")
        seen.add(_folded(alias))


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
