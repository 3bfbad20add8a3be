"""What a licensing officer is told about each slip in a draft, word for word."""

from __future__ import annotations

import pytest

from .denials import Change, problems, spoilt


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # control entries and the category
        (
            lambda c: c["control_entries"].__setitem__(1, "9.Q.3"),
            "control_entries[1]: 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?",
        ),
        (
            lambda c: c.update(control_entries=["9.A"]),
            "control_entries[0]: 9.A is a section of the Annex, not an entry; name the entry, such as 9.A.1",
        ),
        (
            lambda c: c.update(control_entries=["9"]),
            "control_entries[0]: 9 is an item of the Annex, not an entry; name the entry, such as 9.A.1",
        ),
        (
            lambda c: c.update(control_entries=["9.C"]),
            "control_entries[0]: 9.C is a section of the Annex, not an entry; nothing is listed under it",
        ),
        (
            lambda c: c.update(control_entries=["7"]),
            "control_entries[0]: item 7 of the Annex is reserved; name an entry of another item",
        ),
        (
            lambda c: c.update(control_entries=["Catch all"]),
            "control_entries[0]: Catch all is not an entry of the Annex; did you mean catch-all?",
        ),
        (
            lambda c: c.update(control_entries=["radar"]),
            "control_entries[0]: radar is not an entry of the Annex",
        ),
        (
            lambda c: c["control_entries"].append("9.A.3"),
            "control_entries[2]: 9.A.3 stands twice; leave it out",
        ),
        (
            lambda c: c["control_entries"].append("catch-all"),
            (
                "control_entries: catch-all stands beside entries of the Annex; "
                "an item is on the list or it is not: remove one or the other"
            ),
        ),
        (
            lambda c: c.update(control_entries=[]),
            'control_entries: is empty; list the entries of the Annex, such as ["9.A.3"], or ["catch-all"]',
        ),
        (
            lambda c: c.update(control_entries="9.A.3"),
            "control_entries: 9.A.3 is not a list; write it in square brackets",
        ),
        (
            lambda c: c.update(control_entries=["catch-all"]),
            "annex_category: II does not fit a catch-all denial; write not_listed",
        ),
        (
            lambda c: c.update(annex_category="not_listed"),
            "annex_category: not_listed does not fit 9.A.3, which is in Category II; write II",
        ),
        (
            lambda c: c["control_entries"].append("1.A.2"),
            "annex_category: II does not fit 1.A.2, which is in Category I; write I",
        ),
        # dates
        (
            lambda c: c.update(date_of_denial="03/04/2026"),
            "date_of_denial: 03/04/2026 is not a date in the form YYYY-MM-DD; write 2026-04-03 or 2026-03-04",
        ),
        (
            lambda c: c.update(date_of_denial="13.4.2026"),
            "date_of_denial: 13.4.2026 is not a date in the form YYYY-MM-DD; write 2026-04-13",
        ),
        (
            lambda c: c.update(date_of_denial="3 April 2026"),
            "date_of_denial: 3 April 2026 is not a date in the form YYYY-MM-DD; write 2026-04-03",
        ),
        (
            lambda c: c.update(date_of_denial="Apr. 3, 2026"),
            "date_of_denial: Apr. 3, 2026 is not a date in the form YYYY-MM-DD; write 2026-04-03",
        ),
        (
            lambda c: c.update(date_of_denial="2026-4-3T09:00:00Z"),
            "date_of_denial: 2026-4-3T09:00:00Z is not a date in the form YYYY-MM-DD; write 2026-04-03",
        ),
        (
            lambda c: c.update(date_of_denial="spring"),
            (
                "date_of_denial: spring is not a date in the form YYYY-MM-DD; "
                "write the year, the month and the day, such as 2026-04-03"
            ),
        ),
        (
            lambda c: c.update(date_of_denial=20260403),
            (
                "date_of_denial: a number is not a date in the form YYYY-MM-DD; "
                "write the year, the month and the day, such as 2026-04-03"
            ),
        ),
        (
            lambda c: c.update(date_of_denial="2026-02-30"),
            "date_of_denial: 2026-02-30 is not a day of the calendar",
        ),
        (
            lambda c: c.update(date_of_denial="0206-03-01"),
            "date_of_denial: 0206-03-01 is not a likely date; check the year",
        ),
        (
            lambda c: c.update(date_of_denial="2026-03-16"),
            (
                "date_of_notification: 2026-03-15 is before date_of_denial, 2026-03-16; "
                "a denial is notified once it is made: correct one of the two"
            ),
        ),
        (
            lambda c: c.update(review_by="2029-03-16"),
            (
                "review_by: 2029-03-16 is more than 36 months after date_of_notification, 2026-03-15; "
                "write 2029-03-15 or an earlier day"
            ),
        ),
        (
            lambda c: c.update(review_by="2026-03-15"),
            ("review_by: 2026-03-15 is not after date_of_notification, 2026-03-15; write a day up to 2029-03-15"),
        ),
        # countries and references
        (
            lambda c: c.update(destination_country="UK"),
            "destination_country: UK is not an ISO 3166 code; the United Kingdom is GB",
        ),
        (
            lambda c: c.update(destination_country="Brasil"),
            "destination_country: Brasil is not an ISO 3166 code; Brazil is BR",
        ),
        (
            lambda c: c.update(destination_country="QQ"),
            (
                "destination_country: QQ is not an ISO 3166 code; "
                "write the two capital letters of the country's code, such as FR"
            ),
        ),
        (
            lambda c: c.update(destination_country=33),
            (
                "destination_country: a number is not an ISO 3166 code; "
                "write the two capital letters of the country's code, such as FR"
            ),
        ),
        (
            lambda c: c.update(notifying_government="EE", regime_reference="MTCR/DN/EE/2026/0001"),
            "notifying_government: Estonia (EE) is an adherent; only Partners notify denials",
        ),
        (
            lambda c: c.update(notifying_government="CN", regime_reference="MTCR/DN/CN/2026/0001"),
            "notifying_government: China (CN) is not a Partner of the MTCR",
        ),
        (
            lambda c: c.update(regime_reference="DN-12"),
            (
                "regime_reference: DN-12 is not of the form MTCR/DN/{state}/{year}/{number}; "
                "write it like MTCR/DN/FR/2026/0001"
            ),
        ),
        (
            lambda c: c.update(regime_reference="MTCR/DN/DE/2026/0001"),
            (
                "regime_reference: MTCR/DN/DE/2026/0001 belongs to DE, but notifying_government is FR; "
                "correct one of the two"
            ),
        ),
        (
            lambda c: c.update(supersedes="MTCR/DN/FR/2026/0001"),
            "supersedes: is the notice's own reference; write the reference of the notice that it replaces",
        ),
        (
            lambda c: c.update(supersedes="MTCR/DN/DE/2026/0002"),
            (
                "supersedes: MTCR/DN/DE/2026/0002 belongs to DE, but notifying_government is FR; "
                "a Partner amends and revokes its own notices"
            ),
        ),
        # amounts
        (
            lambda c: c.update(quantity=12),
            'quantity: is a bare number, which programs round; write it in quotes, such as "12.5"',
        ),
        (
            lambda c: c.update(quantity="1.200,50"),
            (
                "quantity: 1.200,50 is not a decimal number; "
                "write digits with a point before the fraction and nothing between thousands, such as 1250.5"
            ),
        ),
        (
            lambda c: c.update(quantity="0"),
            "quantity: 0 is not a quantity; leave the field out if it is not known",
        ),
        (lambda c: c.pop("unit"), "unit: is missing beside quantity; say of what, such as pieces or kg"),
        (lambda c: c.pop("currency"), "currency: is missing beside value; say of what, such as EUR or USD"),
        (lambda c: c.pop("quantity"), "quantity: is missing beside unit; write the number or leave unit out"),
        (lambda c: c.update(currency="€"), "currency: € is not a currency; did you mean EUR?"),
        (
            lambda c: c.update(currency="Eu"),
            "currency: Eu is not a currency; write the three capital letters of ISO 4217, such as EUR",
        ),
        (
            lambda c: c.update(hs_code="90.14.20"),
            ("hs_code: 90.14.20 is not a code of the Harmonized System; write 4, 6, 8 or 10 digits, such as 9014.20"),
        ),
        # terms, reasons, status
        (
            lambda c: c.update(kind="refused"),
            (
                "kind: refused is not one of refusal, revocation_of_licence, suspension, "
                "substantial_limitation, would_be_refused; did you mean refusal?"
            ),
        ),
        (
            lambda c: c.update(status="in force"),
            "status: in force is not one of valid, amended, renewed, revoked",
        ),
        (
            lambda c: c.update(exercise="yes"),
            "exercise: yes is not true or false; write true or false without quotes",
        ),
        (
            lambda c: c.update(reason_for_refusal="Doubtful."),
            (
                'reason_for_refusal: Doubtful. is not a reason; write {"code": ..., "text": ...}, '
                'or {"code": "withheld"}'
            ),
        ),
        (
            lambda c: c["reason_for_refusal"].pop("text"),
            'reason_for_refusal.text: is missing; give the reason in words, or write the code "withheld"',
        ),
        (
            lambda c: c["reason_for_refusal"].update(code="withheld"),
            (
                "reason_for_refusal.text: is given although the reason is withheld; "
                "remove the text, or write the code of the reason"
            ),
        ),
        (
            lambda c: c["reason_for_refusal"].update(code="end use"),
            (
                "reason_for_refusal.code: end use is not one of proliferation, recipient_programmes, "
                "contribution, end_use, agreements, terrorism, other, withheld; did you mean end_use?"
            ),
        ),
        (
            lambda c: c.update(status="revoked"),
            "revocation_reason: is missing; a revoked notice says why it was revoked",
        ),
        (
            lambda c: c.update(revocation_reason="Because."),
            ("revocation_reason: is given, but status is valid; write the status revoked, or leave the reason out"),
        ),
        (
            lambda c: c["competent_authority"].pop("contact"),
            "competent_authority.contact: is missing; say how colleagues reach the people who know the case",
        ),
        # parties and names
        (
            lambda c: c.update(parties=[]),
            "parties: is empty; name at least one party to the transaction",
        ),
        (
            lambda c: c["parties"].append(c["parties"][0]),
            "parties[1]: is the same as parties[0]; leave it out",
        ),
        (
            lambda c: c["parties"].append("Serra"),
            'parties[1]: Serra is not a party; write {"name": ..., "role": ..., "country": ...}',
        ),
        (
            lambda c: c["parties"][0]["aliases"].append("SERRA  azul"),
            "parties[0].aliases[2]: SERRA  azul stands among the names already; leave it out",
        ),
        (
            lambda c: c["parties"][0]["aliases"].append("serra azul ltda."),
            "parties[0].aliases[2]: serra azul ltda. stands among the names already; leave it out",
        ),
        (
            lambda c: c["parties"][0].update(name="Serra\x07 Azul"),
            ("parties[0].name: holds a control character (U+0007) at character 6; remove it, or type the text anew"),
        ),
        (
            lambda c: c["parties"][0].update(name="Serra \u202eluzA"),
            (
                "parties[0].name: holds a hidden mark that changes the reading direction (U+202E) "
                "at character 7; remove it, or type the text anew"
            ),
        ),
        (
            lambda c: c["parties"][0]["aliases"].append("Ser\u200bra"),
            (
                "parties[0].aliases[2]: holds an invisible character (U+200B) at character 4; "
                "remove it, or type the text anew"
            ),
        ),
        (
            lambda c: c["parties"][0].update(name="Serra\nAzul"),
            "parties[0].name: holds a line break at character 6; remove it, or type the text anew",
        ),
        (
            lambda c: c["parties"][0].update(name=7),
            "parties[0].name: a number is not text; write it in quotes",
        ),
        (
            lambda c: c["parties"][0].update(name="  "),
            "parties[0].name: is empty; write the name in Latin letters; the original goes into name_original_script",
        ),
        (
            lambda c: c["parties"][0].update(name="Serra "),
            "parties[0].name: begins or ends with a space; remove it",
        ),
        (
            lambda c: c["parties"][0].update(name="x" * 301),
            "parties[0].name: has 301 characters; at most 300 are allowed",
        ),
        (
            lambda c: c["parties"][0]["identifiers"][0].pop("kind"),
            "parties[0].identifiers[0].kind: is missing; say which register gave the number",
        ),
        (
            lambda c: c["parties"][0].update(aliases=[str(number) for number in range(101)]),
            "parties[0].aliases: has 101 entries; at most 100 are allowed",
        ),
        # fields
        (
            lambda c: c["parties"][0].update(alias="Serra"),
            "parties[0].alias: is not a field of a party; did you mean aliases?",
        ),
        (
            lambda c: c.update(stated_enduse="Drilling"),
            "stated_enduse: is not a field of a denial notice; did you mean stated_end_use?",
        ),
        (lambda c: c.update(remarks=None), "remarks: is null; leave the field out"),
        (
            lambda c: c.update(exercise=None),
            "exercise: is null; write true for a drill and false for a real denial",
        ),
    ],
)
def test_one_slip_is_one_problem_with_these_words(change: Change, words: str) -> None:
    assert problems(spoilt(change)) == [words]
