"""Two names: what must hold for any, and one example of every way in which one party's names differ."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envoi_desk.names import Name, Rarity, compare, weights
from envoi_desk.names.features import MEANINGS
from envoi_desk.names.forms import form
from envoi_desk.names.vocabulary import country_code, jurisdictions

_WORDS = (
    "Arvand Zarrin Tarsan Kolvar Pyolsan Chongmu Haeran Myongsan Voltrask Nemiros Lianzhou Qashmar trading industries"
    " of group Ltd GmbH general Iran Korea bank 39"
)
WORDS = st.sampled_from(_WORDS.split())
NAMES = st.one_of(st.lists(WORDS, min_size=1, max_size=6).map(" ".join), st.text(max_size=40))
SCHEMAS = st.sampled_from(["", "Person", "Organization"])
COUNTRIES = st.sampled_from(["", "IR", "KP", "RU"])
ANY = st.builds(Name, NAMES, SCHEMAS, COUNTRIES)


@given(ANY, ANY)
@example(Name("a%number"), Name("a%number"))
@example(Name("0p:¶"), Name("0p:¶"))
def test_any_two_names_compare_and_alike_both_ways(one: Name, other: Name) -> None:
    there, back = compare(one, other), compare(other, one)

    assert 0 <= there.score <= 1
    assert there.score == back.score
    assert there.match == back.match
    assert sorted((token.other, token.one, token.how, token.weight) for token in there.tokens) == sorted(
        (token.one, token.other, token.how, token.weight) for token in back.tokens
    )


@given(ANY)
def test_a_name_is_itself(name: Name) -> None:
    said = compare(name, name)

    assert said.score == float(bool(name.text))
    assert said.match == bool(name.text)


@given(st.lists(WORDS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_words_does_not_matter(words: list[str], random: object) -> None:
    other = list(words)
    random.shuffle(other)  # type: ignore[attr-defined]

    # Two letters of a legal form are one only at the ends of a name, so those words stay where they are.
    assert compare(Name(" ".join(words), "Person"), Name(" ".join(other), "Person")).score == 1


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_case_accents_and_punctuation_do_not_matter(words: list[str]) -> None:
    plain = " ".join(words)
    dressed = ", ".join(words).upper().replace("A", "Ä").replace("O", "Ó") + "."

    assert compare(Name(plain, "Organization"), Name(dressed, "Organization")).score == 1


@example("Ltd", "Ltd")
@given(NAMES, st.sampled_from(["Ltd", "GmbH", "Co., Ltd.", "OOO", "S.A.R.L.", "Sdn Bhd", "Anonim Sirketi", "L.L.C."]))
def test_a_legal_form_changes_little(text: str, legal: str) -> None:
    one, other = Name("Voltrask Optics", "Organization"), Name(text, "Organization")
    with_form = Name(f"Voltrask Optics {legal}", "Organization")

    assert compare(one, with_form).score == 1
    assert abs(compare(one, other).score - compare(with_form, other).score) < 0.1


SAME = [
    ("accents", "Órbita Técnica S.L.", "ORBITA TECNICA", ""),
    ("apostrophes", "Sana'at Zarrin Co", "SANAAT ZARRIN", "IR"),
    ("hyphens", "Kolvar-Tarsan Group", "KOLVARTARSAN GROUP", ""),
    ("order", "Zarrin Arvand Industries", "Industries Arvand Zarrin", "IR"),
    ("legal form, Russian", "Obshchestvo s ogranichennoy otvetstvennostyu Nemiros", "NEMIROS, OOO", "RU"),
    ("legal form, German", "Voltrask Gesellschaft mit beschränkter Haftung", "Voltrask GmbH", "DE"),
    (
        "legal form, Turkish",
        "Kardelmak Makina Sanayi ve Ticaret Anonim Şirketi",
        "KARDELMAK MAKINA SAN. VE TIC. A.S.",
        "TR",
    ),
    ("abbreviations", "Haeran Shipping Company Limited", "HAERAN SHPG CO LTD", "KP"),
    ("word forms", "Tarsan Electronics Industries", "TARSAN ELECTRONIC INDUSTRIAL CO", "IR"),
    ("spelling", "Voltraskin Aluminium Works", "VOLTRASKIN ALUMINUM WORKS", ""),
    ("joined", "Myongsan Trading", "MYONG SAN TRADING CORP", "KP"),
    ("split", "Zarin Tarsan Gostar", "ZARINTARSAN GOSTAR CO", "IR"),
    ("acronym", "Tarsan Advanced Materials Research Center", "TAMRC", "IR"),
    ("acronym in brackets", "Kolvar Petrochemical Institute (KPI)", "KPI", "IR"),
    ("Korean, plain and aspirated", "Korea Daepung Trading Corporation", "KOREA TAEPHUNG TRADING CORP.", "KP"),
    ("Korean, an initial r", "Korea Ryonghung Trading", "KOREA YONGHUNG TRADING", "KP"),
    ("Chinese, Wade-Giles", "Chungshan Hsinlung Trading Co", "ZHONGSHAN XINLONG TRADING CO", "CN"),
    ("Persian", "Shahid Ghodoosi Industries", "SHAHID QODUSI INDUSTRY", "IR"),
    ("Russian", "Zheleznogorskiy Mashzavod Yugra", "JELEZNOGORSKY MASHZAVOD IUGRA", "RU"),
    ("Arabic article", "Al-Mahfouz Trading Establishment", "AL MAHFUZ TRADING", "SY"),
    ("Cyrillic", "Немирос Оптика, ООО", "Nemiros Optika", "RU"),
    ("Hangul", "묘향무역회사", "Myohyang Trading Company", "KP"),
    ("Han", "龙山国际贸易有限公司", "Longshan International Trading Co., Ltd.", "CN"),
    ("Arabic script", "شرکت صنعتی کاردان", "Kardan Industrial Company", "IR"),
]


@pytest.mark.parametrize(("one", "other", "country"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_one_firm_under_two_names(one: str, other: str, country: str) -> None:
    said = compare(Name(one, country=country), Name(other, country=country))

    assert said.match, said


PERSONS = [
    ("surname last", "TARSANI, Behrouz", "Behrouz Tarsani", "IR"),
    ("Korean romanisations", "KU Sung Sop", "KU Seung Sub", "KP"),
    ("Korean, McCune-Reischauer", "CH'OE, Pyo'ng-t'aek", "CHOE Pyong Thaek", "KP"),
    ("Korean, newspapers", "PAK Chol Ung", "PARK, Chul-Ung", "KR"),
    ("Korean, one letter", "CHO, Il-U", "JO Il Woo", "KP"),
    ("Persian vowels", "Morteza Tarsanizadeh", "MORTAZA TARSANI ZADEH", "IR"),
    ("initial", "M. Tarsanizadeh", "Mohsen Tarsanizadeh", "IR"),
    ("title", "Seyed Mohsen Tarsani", "TARSANI, Mohsen", "IR"),
    ("title written on", "Seyedmohsen Tarsani", "TARSANI, Mohsen", "IR"),
    ("second given name", "TARSANI, Mohsen Ali", "TARSANI, Mohsen", "IR"),
    ("Cyrillic", "Вольтраскин, Игорь", "VOLTRASKIN, Igor", "RU"),
    ("Arabic script", "محسن ترسانی", "Mohsen Tarsani", "IR"),
]


@pytest.mark.parametrize(("one", "other", "country"), [case[1:] for case in PERSONS], ids=[case[0] for case in PERSONS])
def test_one_person_under_two_names(one: str, other: str, country: str) -> None:
    said = compare(Name(one, "Person", country), Name(other, "Person", country))

    assert said.match, said


DIFFERENT = [
    ("one word of four", "Korea Pyolsan Trading Corporation", "Korea Haeran Trading Corporation", "", "KP"),
    ("another syllable", "Korea Kangjin Shipping Co", "Korea Kangsin Shipping Co", "", "KP"),
    ("business alone", "Tarsan Petrochemical Company", "Kolvar Petrochemical Company", "", "IR"),
    ("numbers", "Office 44", "Office 47", "", "KP"),
    ("one given name", "KIM Tong Hak", "KIM Tong Su", "Person", "KP"),
    ("surnames", "TARSANI, Mohsen", "KOLVARI, Mohsen", "Person", "IR"),
    ("legal forms alone", "Voltrask OOO", "Nemiros OOO", "", "RU"),
]


@pytest.mark.parametrize(
    ("one", "other", "schema", "country"), [case[1:] for case in DIFFERENT], ids=[case[0] for case in DIFFERENT]
)
def test_two_parties_with_like_names(one: str, other: str, schema: str, country: str) -> None:
    said = compare(Name(one, schema, country), Name(other, schema, country))

    assert not said.match, said


def test_the_comparison_says_which_word_met_which() -> None:
    said = compare(Name("Korea Daepung Trading Corporation"), Name("TAEPHUNG TRADING"))

    assert [(token.one, token.other, token.how) for token in said.tokens] == [
        ("daepung", "taephung", "romanisation"),
        ("trading", "trading", "same"),
    ]
    assert said.tokens[0].weight > said.tokens[1].weight
    assert "daepung and taephung may be one name, romanised twice" in said.reasons


def test_the_reasons_name_what_only_one_side_has() -> None:
    said = compare(Name("Kolvar Tarsan"), Name("Kolvar Zarrin"))

    assert "both have kolvar" in said.reasons
    assert "only the first has tarsan" in said.reasons
    assert "only the second has zarrin" in said.reasons


def test_a_cyrillic_letter_that_poses_as_latin_is_seen_through_and_told() -> None:
    said = compare(Name("К\u043elvar Tarsan"), Name("Kolvar Tarsan"))

    assert said.score == 1
    assert "letters of another script that look Latin were read as Latin" in said.reasons


def test_hidden_marks_are_left_out_and_told() -> None:
    said = compare(Name("Kol\u202evar \u200bTarsan"), Name("Kolvar Tarsan"))

    assert said.score == 1
    assert "hidden marks in the name were left out" in said.reasons


def test_a_word_that_the_register_is_full_of_counts_less() -> None:
    one, other = Name("Kolvar Tarsan Optics", "Organization"), Name("Kolvar Zarrin Optics", "Organization")
    full = Rarity(100_000, {"kolvar": 20_000})

    assert compare(one, other, full).score < compare(one, other).score


def test_a_name_of_no_letters_matches_only_itself() -> None:
    assert compare(Name("---"), Name("---")).match
    assert not compare(Name("---"), Name("***")).match
    assert not compare(Name(""), Name("")).match


def test_a_text_of_ten_megabytes_is_compared_by_its_beginning() -> None:
    assert len(form("Kolvar " * 1_500_000, False).tokens) <= 40
    assert not compare(Name("x" * 10_000_000), Name("Kolvar")).match


def test_the_legal_forms_of_at_least_thirty_jurisdictions_are_known() -> None:
    assert len(jurisdictions()) >= 30


@pytest.mark.parametrize(
    ("written", "code"),
    [("IR", "IR"), ("Iran (Islamic Republic of)", "IR"), ("Korea, North", "KP"), ("nowhere", ""), ("", "")],
)
def test_a_country_is_a_code_or_an_english_name(written: str, code: str) -> None:
    assert country_code(written) == code


def test_every_feature_is_weighed_and_told() -> None:
    assert {*weights.ORGANISATION, *weights.PERSON} - {"base"} == set(MEANINGS)
