"""Whole files: who can open them, what may not be mixed, and the ways of a dispatch's body."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.age import (
    HeaderForged,
    HybridIdentity,
    HybridRecipient,
    Identity,
    NoMatch,
    PayloadDamaged,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    decrypt,
    encrypt,
    seal,
    seal_hybrid,
    unseal,
    unseal_at,
    unseal_with_key,
)
from envoi_client.age.header import read_header
from envoi_client.age.pipes import Source
from envoi_client.age.primitives import header_mac
from envoi_keys.age_header import Header, Stanza, authenticated, is_hybrid, parse
from envoi_keys.errors import EnvoiError, LocalError, Malformed
from envoi_keys.limits import MAX_AGE_HEADER_BYTES

FR, DE, AU, STRANGER = (HybridIdentity(bytes([number]) * 32) for number in range(4))
CLASSIC = X25519Identity(bytes([9]) * 32)
EVERYBODY = [identity.recipient for identity in (FR, DE, AU)]
TEXT = b"attack at dawn"


def rebuilt(sealed: bytes, file_key: bytes, stanzas: list[Stanza]) -> bytes:
    """The file with other stanzas under a MAC that holds, as only someone with the file key can make it."""
    _, length = parse(sealed)
    mac = header_mac(file_key, authenticated(stanzas))
    return Header(tuple(stanzas), mac).marshal() + sealed[length:]


def test_each_recipient_opens_and_nobody_else() -> None:
    sealed = seal(TEXT, EVERYBODY)
    assert {unseal(sealed, [identity]) for identity in (FR, DE, AU)} == {TEXT}
    assert unseal(sealed, [STRANGER, CLASSIC, DE]) == TEXT
    wrong: list[list[Identity]] = [[], [STRANGER], [CLASSIC, ScryptIdentity("x")]]
    for identities in wrong:
        with pytest.raises(NoMatch):
            unseal(sealed, identities)


def test_two_files_of_the_same_content_have_nothing_in_common() -> None:
    one, other = seal(TEXT, EVERYBODY), seal(TEXT, EVERYBODY)
    (first, length), (second, _) = parse(one), parse(other)
    assert not {stanza.body for stanza in first.stanzas} & {stanza.body for stanza in second.stanzas}
    assert one[length:][:16] != other[length:][:16]


@pytest.mark.parametrize(
    "recipients",
    [
        [],
        [FR.recipient, CLASSIC.recipient],
        [CLASSIC.recipient, FR.recipient],
        [ScryptRecipient("x", 4), ScryptRecipient("x", 4)],
        [ScryptRecipient("x", 4), CLASSIC.recipient],
        [FR.recipient, ScryptRecipient("x", 4)],
    ],
)
def test_recipients_that_do_not_go_together_are_refused_before_anything_is_written(
    recipients: list[Recipient],
) -> None:
    out = io.BytesIO()
    with pytest.raises(LocalError):
        encrypt(io.BytesIO(TEXT), out, recipients)
    with pytest.raises(LocalError):
        encrypt(io.BytesIO(TEXT), out, recipients, armor=True)
    assert out.getvalue() == b""


def test_more_than_a_header_holds_is_refused() -> None:
    class Verbose:
        kind = "example.com/verbose"

        def wrap(self, file_key: bytes) -> Stanza:
            return Stanza((self.kind,), bytes(MAX_AGE_HEADER_BYTES // 8))

    assert len(parse(seal(TEXT, [Verbose()] * 5))[0].stanzas) == 5
    with pytest.raises(LocalError, match="6 recipients do not fit"):
        seal(TEXT, [Verbose()] * 6)


@pytest.mark.parametrize("extra", [ScryptRecipient("y", 4), CLASSIC.recipient])
def test_a_passphrase_beside_another_stanza_is_refused_whoever_asks(extra: Recipient) -> None:
    sealed = seal(TEXT, [ScryptRecipient("x", 4)])
    header, _ = parse(sealed)
    file_key = ScryptIdentity("x").unwrap(header.stanzas[0])
    assert file_key is not None
    mixed = rebuilt(sealed, file_key, [header.stanzas[0], extra.wrap(file_key)])
    for identity in (ScryptIdentity("x"), CLASSIC, FR):
        with pytest.raises(Malformed, match="not the only one"):
            unseal(mixed, [identity])


@given(st.data())
def test_no_byte_of_a_file_can_be_changed(data: st.DataObject) -> None:
    sealed = bytearray(seal(TEXT, [FR.recipient]))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(EnvoiError):
        unseal(bytes(sealed), [FR])


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: seal(TEXT, [FR.recipient])[:1600] + tail))
def test_any_bytes_open_or_raise_one_of_our_errors(raw: bytes) -> None:
    with pytest.raises(EnvoiError):
        unseal(raw, [FR, CLASSIC, ScryptIdentity("x", max_work_factor=4)])
    with pytest.raises(EnvoiError):
        decrypt(io.BytesIO(raw), io.BytesIO(), [FR, CLASSIC])


def test_a_stanza_taken_out_is_found_by_the_mac() -> None:
    sealed = seal(TEXT, EVERYBODY)
    header, length = parse(sealed)
    fewer = Header(header.stanzas[:2], header.mac).marshal() + sealed[length:]
    out = io.BytesIO()
    with pytest.raises(HeaderForged):
        decrypt(io.BytesIO(fewer), out, [FR])
    assert out.getvalue() == b""


def test_a_header_longer_than_a_first_read_is_read() -> None:
    sealed = seal(TEXT, EVERYBODY * 100)
    header, raw = read_header(source := Source(io.BytesIO(sealed)))
    assert len(header.stanzas) == 300
    assert sealed == raw + source.take(len(sealed))
    out = io.BytesIO()
    decrypt(io.BytesIO(sealed), out, [AU])
    assert out.getvalue() == TEXT


def test_no_more_is_read_than_a_header_may_hold() -> None:
    endless = io.BytesIO(b"age-encryption.org/v1\n-> a\n" + (b"A" * 64 + b"\n") * 100_000)
    with pytest.raises(Malformed, match="is longer than"):
        read_header(Source(endless))
    assert endless.tell() == MAX_AGE_HEADER_BYTES


@pytest.mark.parametrize("kept", [0, 1, 15])
def test_a_file_that_ends_before_its_nonce_is_malformed(kept: int) -> None:
    sealed = seal(TEXT, [FR.recipient])
    _, length = parse(sealed)
    with pytest.raises(Malformed, match="nonce"):
        unseal(sealed[: length + kept], [FR])


# Dispatches


def test_a_body_is_opened_at_ones_own_position_only() -> None:
    sealed, file_key = seal_hybrid(TEXT, EVERYBODY)
    assert [is_hybrid(one) for one in parse(sealed)[0].stanzas] == [True] * 3
    for position, identity in enumerate((FR, DE, AU)):
        assert unseal_at(sealed, identity, position, stanzas=3) == (TEXT, file_key)
        with pytest.raises(NoMatch):
            unseal_at(sealed, identity, (position + 1) % 3, stanzas=3)


@pytest.mark.parametrize("expected", [2, 4])
def test_a_stanza_missing_or_doubled_is_refused(expected: int) -> None:
    sealed, _ = seal_hybrid(TEXT, EVERYBODY)
    with pytest.raises(Malformed, match=f"3 stanzas instead of {expected}"):
        unseal_at(sealed, FR, 0, stanzas=expected)


def test_a_stanza_that_a_quantum_computer_opens_is_refused() -> None:
    sealed, file_key = seal_hybrid(TEXT, EVERYBODY)
    header, _ = parse(sealed)
    weak = rebuilt(sealed, file_key, [*header.stanzas[:2], CLASSIC.recipient.wrap(file_key)])
    with pytest.raises(Malformed, match="not for a hybrid recipient"):
        unseal_at(weak, FR, 0, stanzas=3)


def test_a_dud_stanza_hurts_its_recipient_alone_and_the_file_key_mends_it() -> None:
    sealed, file_key = seal_hybrid(TEXT, EVERYBODY)
    header, _ = parse(sealed)
    dud = rebuilt(sealed, file_key, [*header.stanzas[:2], STRANGER.recipient.wrap(file_key)])
    with pytest.raises(NoMatch):
        unseal_at(dud, AU, 2, stanzas=3)
    plain, handed_over = unseal_at(dud, DE, 1, stanzas=3)
    assert plain == TEXT
    assert unseal_with_key(dud, handed_over) == TEXT


def test_two_recipients_cannot_be_given_two_keys() -> None:
    """The MAC commits to one file key: with another one the file does not open at all."""
    sealed, file_key = seal_hybrid(TEXT, EVERYBODY)
    header, _ = parse(sealed)
    other = AU.recipient.wrap(bytes(16))
    split = rebuilt(sealed, file_key, [*header.stanzas[:2], other])
    assert unseal_at(split, FR, 0, stanzas=3) == (TEXT, file_key)
    with pytest.raises(HeaderForged):
        unseal_at(split, AU, 2, stanzas=3)


def test_a_file_key_of_another_file_is_refused() -> None:
    sealed, _ = seal_hybrid(TEXT, EVERYBODY)
    _, other = seal_hybrid(TEXT, EVERYBODY)
    with pytest.raises(HeaderForged):
        unseal_with_key(sealed, other)
    for size in (0, 15, 17, 32):
        with pytest.raises(Malformed, match="file key"):
            unseal_with_key(sealed, bytes(size))


def test_a_body_cut_short_is_refused_every_way() -> None:
    sealed, file_key = seal_hybrid(TEXT, EVERYBODY)
    with pytest.raises(PayloadDamaged):
        unseal_at(sealed[:-1], FR, 0, stanzas=3)
    with pytest.raises(PayloadDamaged):
        unseal_with_key(sealed[:-1], file_key)


def test_sealing_for_a_dispatch_takes_somebody() -> None:
    nobody: list[HybridRecipient] = []
    with pytest.raises(LocalError):
        seal_hybrid(TEXT, nobody)
