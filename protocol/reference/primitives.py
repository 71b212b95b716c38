"""Hash, keystream, box, signatures, key agreement, tag (specification sections 1 and 5)."""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError, CryptoError

from codec import ORDER, PRIME
from faults import Fault


def H(label, *parts, key=b""):
    state = hashlib.blake2b(digest_size=32, key=key, person=label.encode("ascii").ljust(16, b"\0"))
    for part in parts:
        state.update(struct.pack("<Q", len(part)) + part)
    return state.digest()


def le16(*values):
    return struct.pack("<%dH" % len(values), *values)


def le32(value):
    return struct.pack("<I", value)


def le64(value):
    return struct.pack("<Q", value)


def keystream(key, count):
    return Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(count))


def words(key, width, count):
    """`count` ring words of the mask under `key`."""
    return from_bytes(keystream(key, count * width // 8), width)


def from_bytes(data, width):
    size = width // 8
    return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]


def to_bytes(values, width):
    return b"".join((v % 2**width).to_bytes(width // 8, "little") for v in values)


def signed(value, width):
    return value if value < 2 ** (width - 1) else value - 2**width


def seal(key, nonce, plaintext, aad):
    return nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)


def unseal(key, box, aad):
    """The plaintext, or None."""
    if len(box) < 40:
        return None
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(box[24:], aad, box[:24], key)
    except CryptoError:
        return None


def public_key(seed):
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed, message):
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def verifies(public, signature, message):
    try:
        sodium.crypto_sign_open(signature + message, public)
        return True
    except (BadSignatureError, CryptoError):
        return False


def agreement_key(secret):
    return sodium.crypto_scalarmult_base(secret)


def agree(secret, public):
    """X25519; an all-zero result (a low-order point) is a fault."""
    try:
        shared = sodium.crypto_scalarmult(secret, public)
    except (CryptoError, RuntimeError):
        raise Fault("key-invalid") from None
    if shared == bytes(32):
        raise Fault("key-invalid")
    return shared


def reduce64(draw):
    """A scalar from 64 random bytes."""
    return int.from_bytes(draw, "little") % ORDER


def b32(scalar):
    return scalar.to_bytes(32, "little")


def alphas(seed, count):
    return [v % PRIME for v in from_bytes(keystream(seed, 8 * count), 64)]


def sum_tag(seed, ring_values, width):
    return sum(a * (signed(v, width) % PRIME) for a, v in zip(alphas(seed, len(ring_values)), ring_values)) % PRIME


def layer_pad(alpha, site):
    """What a site's tag of removed noise is sealed with."""
    return int.from_bytes(H("wss1.layertag", le16(site), key=alpha), "little") % PRIME


def tag_mask(key):
    return int.from_bytes(H("wss1.tagmask", key), "little") % PRIME


def set_hash(members):
    return H("wss1.set", le16(*sorted(members)))
