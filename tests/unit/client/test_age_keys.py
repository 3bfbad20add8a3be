"""Recipients and identities: the texts, what is refused in them, and what a stanza of each type must be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.age import (
    HybridIdentity,
    HybridRecipient,
    Identity,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    X25519Recipient,
    bech32,
    parse_identities,
    parse_identity,
    parse_recipient,
)
from envoi_client.limits import MAX_IDENTITY_FILE_BYTES
from envoi_keys.age_header import Stanza, encode
from envoi_keys.errors import EnvoiError, LocalError, Malformed

FILE_KEY = b"YELLOW SUBMARINE"
HYBRID = HybridIdentity(bytes(range(32)))
CLASSIC = X25519Identity(bytes(range(32)))
LOW_ORDER = [bytes(32), b"\x01" + bytes(31)]


def test_the_x25519_pair_of_the_specification() -> None:
    identity = parse_identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
    assert str(identity.recipient) == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"


def test_the_hybrid_pair_of_the_specification() -> None:
    """Its recipient has 1,959 characters; the ends of it and the checksum inside stand for all."""
    identity = parse_identity("AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR")
    text = str(identity.recipient)
    assert text.startswith("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95paef6caq5a")
    assert text.endswith("pyyzk3tlhl53k2ykx3qheyty7saeq0d3fzv49zc0k")


@given(st.binary(min_size=32, max_size=32))
def test_an_identity_and_its_recipient_are_read_back(seed: bytes) -> None:
    for identity in (HybridIdentity(seed), X25519Identity(seed)):
        assert parse_identity(identity.encode()) == identity
        assert parse_recipient(str(identity.recipient)) == identity.recipient


@given(st.text(max_size=100) | st.text(max_size=100).map("age1pq1".__add__))
def test_any_text_is_a_recipient_or_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse_recipient(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        CLASSIC.encode(),
        CLASSIC.encode().lower(),
        str(HYBRID.recipient)[:-1],
        str(HYBRID.recipient).upper(),
        bech32.encode("age", bytes(31)),
        bech32.encode("age", bytes(33)),
        bech32.encode("age1pq", bytes(32)),
        bech32.encode("age1tag", bytes(33)),
        bech32.encode("age", LOW_ORDER[0]),
        bech32.encode("age", LOW_ORDER[1]),
        bech32.encode("age1pq", HYBRID.recipient.public[:1184] + LOW_ORDER[0]),
        bech32.encode("age1pq", b"\xff" * 1184 + HYBRID.recipient.public[1184:]),
    ],
)
def test_a_bad_recipient_is_found_when_it_is_read(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_recipient(text)
    assert caught.value.field == "recipient"


@pytest.mark.parametrize(
    "text",
    [
        "",
        str(HYBRID.recipient),
        HYBRID.encode()[:-1] + "P",
        HYBRID.encode().lower(),
        bech32.encode("AGE-SECRET-KEY-", bytes(31)),
        bech32.encode("AGE-SECRET-KEY-PQ-", bytes(33)),
        bech32.encode("AGE-PLUGIN-", bytes(32)),
    ],
)
def test_a_bad_identity_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_identity(text)
    assert caught.value.field == "identity"
    assert not text or text[-20:] not in str(caught.value)


def test_secrets_do_not_stand_in_a_repr() -> None:
    held: list[Identity | ScryptRecipient] = [
        HYBRID,
        CLASSIC,
        ScryptIdentity("correct horse"),
        ScryptRecipient("correct horse"),
    ]
    for secret in held:
        assert "correct" not in repr(secret)
        assert "\\x01" not in repr(secret)
        assert HYBRID.encode() not in str(secret)


def test_a_key_file_with_comments_is_read() -> None:
    text = f"# created: long ago\r\n{HYBRID.encode()}\r\n\n   \n{CLASSIC.encode()}"
    assert parse_identities(text.encode()) == (HYBRID, CLASSIC)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "no identity"),
        (b"# nothing else\n", "no identity"),
        (b"\xff", "UTF-8"),
        (b"#\n" * MAX_IDENTITY_FILE_BYTES, "more than"),
        (HYBRID.encode().encode() + b"\nnonsense\n", "line 2"),
        (b" " + HYBRID.encode().encode(), "line 1"),
    ],
)
def test_a_bad_key_file_is_refused_by_its_line(raw: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse_identities(raw)


@pytest.mark.parametrize("kind", [HybridIdentity, X25519Identity])
def test_only_the_identity_that_a_stanza_is_for_opens_it(kind: type[HybridIdentity | X25519Identity]) -> None:
    right, wrong = kind.generate(), kind.generate()
    stanza = right.recipient.wrap(FILE_KEY)
    assert right.unwrap(stanza) == FILE_KEY
    assert wrong.unwrap(stanza) is None
    assert right.recipient.wrap(FILE_KEY) != stanza


def test_a_stanza_of_another_type_is_left_to_others() -> None:
    stranger = Stanza(("example.com/enigma", "a", "b", "c"), b"")
    for identity in (HYBRID, CLASSIC, ScryptIdentity("x")):
        assert identity.unwrap(stranger) is None


def changed(stanza: Stanza, *, args: tuple[str, ...] | None = None, body: bytes | None = None) -> Stanza:
    return Stanza(stanza.args if args is None else args, stanza.body if body is None else body)


@pytest.mark.parametrize("identity", [HYBRID, CLASSIC, ScryptIdentity("correct horse")], ids=lambda i: type(i).__name__)
def test_a_stanza_that_breaks_the_form_of_its_type_is_malformed(
    identity: HybridIdentity | X25519Identity | ScryptIdentity,
) -> None:
    recipient = ScryptRecipient("correct horse", 4) if isinstance(identity, ScryptIdentity) else identity.recipient
    good = recipient.wrap(FILE_KEY)
    assert identity.unwrap(good) == FILE_KEY
    share = good.args[1]
    for bad in (
        changed(good, args=good.args[:1]),
        changed(good, args=(*good.args, "x")),
        changed(good, args=(good.args[0], share + "AAAA", *good.args[2:])),
        changed(good, args=(good.args[0], share[:-4], *good.args[2:])),
        changed(good, args=(good.args[0], "\u00e9" + share[1:], *good.args[2:])),
        # Longer than a file key: tried, it could be made to open under many keys.
        changed(good, body=good.body + b"x"),
        changed(good, body=good.body[:-1]),
    ):
        with pytest.raises(Malformed, match="age header"):
            identity.unwrap(bad)


@pytest.mark.parametrize("point", LOW_ORDER)
def test_a_share_of_low_order_is_refused_by_name(point: bytes) -> None:
    with pytest.raises(Malformed, match="low order"):
        CLASSIC.unwrap(Stanza(("X25519", encode(point)), bytes(32)))
    with pytest.raises(Malformed, match="low order"):
        HYBRID.unwrap(Stanza(("mlkem768x25519", encode(bytes(1088) + point)), bytes(32)))


@pytest.mark.parametrize("factor", ["", "0", "01", "+4", "-4", "4 ", "0x4", "23", "99", "1" * 5000, "\u0664"])
def test_a_work_factor_beyond_the_limit_is_refused_untried(factor: str) -> None:
    salt = encode(bytes(16))
    with pytest.raises(Malformed, match="work factor"):
        ScryptIdentity("correct horse").unwrap(Stanza(("scrypt", salt, factor), bytes(32)))


def test_the_limit_of_work_is_the_holders_own() -> None:
    stanza = ScryptRecipient("correct horse", 5).wrap(FILE_KEY)
    assert ScryptIdentity("correct horse", max_work_factor=5).unwrap(stanza) == FILE_KEY
    assert ScryptIdentity("wrong", max_work_factor=5).unwrap(stanza) is None
    with pytest.raises(Malformed, match="between 1 and 4"):
        ScryptIdentity("correct horse", max_work_factor=4).unwrap(stanza)


@pytest.mark.parametrize(
    ("passphrase", "factor"), [("", 4), ("\ud800", 4), ("correct horse", 0), ("correct horse", 23)]
)
def test_a_passphrase_that_cannot_seal_is_our_own_fault(passphrase: str, factor: int) -> None:
    with pytest.raises(LocalError):
        ScryptRecipient(passphrase, factor).wrap(FILE_KEY)


def test_short_memory_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoMemory:
        def __init__(self, *_: object) -> None:
            pass

        def derive(self, _: bytes) -> bytes:
            raise MemoryError

    monkeypatch.setattr("envoi_client.age.recipients.Scrypt", NoMemory)
    with pytest.raises(LocalError, match="256 MiB"):
        ScryptRecipient("correct horse", 18).wrap(FILE_KEY)


@given(
    st.builds(
        Stanza,
        st.tuples(st.sampled_from(["mlkem768x25519", "X25519", "scrypt"]), st.text(max_size=50), st.text(max_size=3)),
        st.binary(max_size=40),
    )
)
def test_any_stanza_opens_or_raises_one_of_our_errors(stanza: Stanza) -> None:
    for identity in (HYBRID, CLASSIC, ScryptIdentity("x", max_work_factor=4)):
        try:
            assert identity.unwrap(stanza) is None
        except EnvoiError:
            continue


def test_keys_compare_by_what_they_are() -> None:
    assert HybridRecipient(HYBRID.recipient.public) == HYBRID.recipient
    assert X25519Recipient(CLASSIC.recipient.public) == CLASSIC.recipient
    assert len({HYBRID.recipient, HybridIdentity(HYBRID.seed).recipient}) == 1
