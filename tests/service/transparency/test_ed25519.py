"""Ed25519 keys and signatures, against the vectors of RFC 8032."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from service.transparency.ed25519 import NotEd25519, PrivateKey, PublicKey

# Source: RFC 8032, section 7.1, tests 1 and 3: private key, public key, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465514143"
        "8e7a100b",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027bece"
        "ea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("vector", VECTORS)
def test_the_signatures_of_the_rfc(vector):
    """They are made as published and hold for their message only; a key comes back from its bytes and from PEM."""
    seed, public, message, signature = map(bytes.fromhex, vector)
    key = PrivateKey.from_raw(seed)
    assert (key.raw, key.public.raw, key.sign(message)) == (seed, public, signature)
    assert PublicKey.from_raw(public).signed(signature, message)
    assert not key.public.signed(signature, message + b"!")
    assert PrivateKey.from_pem(key.to_pem()).raw == seed
    assert PublicKey.from_pem(key.public.to_pem()) == key.public


def test_a_signature_has_one_form():
    """Its second half is a number below the order of the group; another length is no signature."""
    seed, _, message, signature = map(bytes.fromhex, VECTORS[1])
    key = PrivateKey.from_raw(seed).public
    other_form = signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")
    for wrong in (other_form, signature[:-1], signature + b"\0", b""):
        assert not key.signed(wrong, message)


def test_other_keys_are_refused():
    """By their length, or because they are of another kind."""
    for data in (b"", bytes(31), bytes(33)):
        with pytest.raises(NotEd25519, match="32 bytes"):
            PublicKey.from_raw(data)
        with pytest.raises(NotEd25519, match="32 bytes"):
            PrivateKey.from_raw(data)
        with pytest.raises(NotEd25519, match="in PEM"):
            PublicKey.from_pem(data)
        with pytest.raises(NotEd25519, match="in PEM"):
            PrivateKey.from_pem(data)
    elliptic = generate_private_key(SECP256R1())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = elliptic.private_bytes(pem, pkcs8, serialization.NoEncryption())
    with pytest.raises(NotEd25519, match="not an Ed25519 key"):
        PrivateKey.from_pem(plain)
    with pytest.raises(NotEd25519, match="encrypted"):
        PrivateKey.from_pem(elliptic.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"word")))
    with pytest.raises(NotEd25519, match="not an Ed25519 key"):
        PublicKey.from_pem(elliptic.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
