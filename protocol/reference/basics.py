"""Vector files without machines: primitives, secret sharing, fixed point, manifest."""

import math
import struct

import fixed_point
import primitives as p
import shamir
from codec import ORDER
from faults import Fault
from messages import Manifest, manifest_body, sign_manifest
from network import drawn


def vector(name, kind, about, steps, seed=None, draws=()):
    return {name: dict(format="wss1-vectors/1", name=name, kind=kind, about=about, inputs={},
                       randomness=dict(seed=(seed or b"").hex(), draws=list(draws)), steps=steps)}


def primitives():
    seed = b"wardround vectors/primitives"
    steps = []

    def add(op, expect, **inputs):
        steps.append(dict(op=op, **inputs, expect=expect))

    def bytes_of(name, count):
        return drawn(seed, name)(count)

    for label, key, parts in (
            ("wss1.next", bytes_of("k", 32), []), ("wss1.set", b"", [p.le16(1, 2, 3)]), ("wss1.seed", bytes_of("m", 32), [bytes_of("T", 32)]),
            ("wss1.prefetch", b"", [b"", b"a", bytes_of("long", 300)]), ("sixteen.letters.", bytes_of("k64", 64), [b"", b""])):
        add("hash", dict(digest=p.H(label, *parts, key=key).hex()), label=label, key=key.hex(), parts=[x.hex() for x in parts])
    for members in ([1], [1, 2, 3], [2, 5, 200]):
        add("set", dict(digest=p.set_hash(members).hex()), members=members)
    for count in (1, 16, 100):
        key = bytes_of("aes%d" % count, 32)
        add("keystream", dict(bytes=p.keystream(key, count).hex()), key=key.hex(), count=count)
    add("keystream", dict(bytes="dc95c078a2408989ad48a21492842087530f8afbc74536b9a963b4f1c4cb738b"), key="00" * 32, count=32)
    assert steps[-1]["expect"]["bytes"] == p.keystream(bytes(32), 32).hex()
    for width in (32, 64):
        key = bytes_of("words%d" % width, 32)
        values = p.words(key, width, 5)
        add("words", dict(words=[str(v) for v in values], bytes=p.to_bytes(values, width).hex()), key=key.hex(), width=width, count=5)
    # draft-irtf-cfrg-xchacha, appendix A.3.1
    text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    key, nonce = bytes(range(0x80, 0xA0)), bytes(range(0x40, 0x58))
    aad = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    box = p.seal(key, nonce, text, aad)
    assert box[24:].hex().startswith("bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb")
    add("seal", dict(box=box.hex()), key=key.hex(), nonce=nonce.hex(), plaintext=text.hex(), aad=aad.hex())
    add("unseal", dict(verdict="ok", plaintext=text.hex()), key=key.hex(), box=box.hex(), aad=aad.hex())
    for name, other, aad2 in (("tag", box[:-1] + bytes([box[-1] ^ 1]), aad), ("nonce", b"\0" + box[1:], aad), ("aad", box, aad[:-1]), ("short", box[:39], aad)):
        assert p.unseal(key, other, aad2) is None
        add("unseal", dict(verdict="fault"), key=key.hex(), box=other.hex(), aad=aad2.hex(), note="wrong " + name)
    # RFC 7748, section 6.1
    b = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
    one, two = bytes_of("x1", 32), bytes_of("x2", 32)
    add("x25519", dict(verdict="ok", public=p.agreement_key(one).hex(), shared=p.agree(one, p.agreement_key(two)).hex()),
        secret=one.hex(), peer=p.agreement_key(two).hex())
    bob = bytes.fromhex(b)
    assert p.agreement_key(bob).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"  # RFC 7748, section 6.1
    add("x25519", dict(verdict="ok", public=p.agreement_key(bob).hex(), shared=p.agree(bob, p.agreement_key(one)).hex()),
        secret=bob.hex(), peer=p.agreement_key(one).hex())
    for low in (bytes(32), b"\1" + bytes(31), bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")):
        add("x25519", dict(verdict="fault", fault="key-invalid"), secret=one.hex(), peer=low.hex(), note="low-order point")
        try:
            p.agree(one, low)
            raise AssertionError("a low-order point was accepted")
        except Fault:
            pass
    # RFC 8032, section 7.1, test 1, and our own
    for key, message in ((bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), b""), (bytes_of("ed", 32), bytes_of("msg", 32))):
        public, signature = p.public_key(key), p.sign(key, message)
        add("ed25519", dict(public=public.hex(), signature=signature.hex()), seed=key.hex(), message=message.hex())
        add("verify", dict(verdict="ok"), public=public.hex(), message=message.hex(), signature=signature.hex())
        s = int.from_bytes(signature[32:], "little") + ORDER
        for bad, note in ((signature[:32] + s.to_bytes(32, "little"), "S not reduced"), (signature[:-1] + bytes([signature[-1] ^ 64]), "one bit"), (bytes(64), "zeros")):
            assert not p.verifies(public, bad, message)
            add("verify", dict(verdict="fault"), public=public.hex(), message=message.hex(), signature=bad.hex(), note=note)
    for fill in (bytes(64), b"\xff" * 64, p.b32(ORDER) + bytes(32), bytes_of("scalar", 64)):
        add("scalar", dict(scalar=p.b32(p.reduce64(fill)).hex()), draw=fill.hex())
    for width, values in ((32, [1, 0, -1, 2**31 - 1, -(2**31)]), (64, [3, 2**61 - 1, -(2**61), 2**63 - 1, -(2**63)])):
        key = bytes_of("alpha%d" % width, 32)
        ring = [v % 2**width for v in values]
        add("tag", dict(alphas=[str(v) for v in p.alphas(key, len(ring))], tag=str(p.sum_tag(key, ring, width))),
            seed=key.hex(), width=width, values=[str(v) for v in values], vector=p.to_bytes(ring, width).hex())
    for k in range(4):
        key = bytes_of("tagmask%d" % k, 32)
        add("tagMask", dict(value=str(p.tag_mask(key))), key=key.hex())
    return vector("primitives", "primitives", "Hash, keystream, box, key agreement, signature, scalar, tag", steps)


def sharing():
    seed, steps = b"wardround vectors/shamir", []
    for t, indices in ((1, [1, 2]), (3, [1, 2, 3]), (4, [1, 2, 4, 5]), (7, list(range(1, 11)))):
        draw = drawn(seed, t)
        stream = draw(64 * t)
        secret, *coefficients = [p.reduce64(stream[64 * k : 64 * k + 64]) for k in range(t)]
        shares = shamir.deal(secret, coefficients, indices)
        commitment = p.H("wss1.cb", p.b32(secret))
        shown = {str(i): p.b32(v).hex() for i, v in shares.items()}
        steps.append(dict(op="deal", secret=p.b32(secret).hex(), coefficients=[p.b32(c).hex() for c in coefficients], indices=indices,
                          expect=dict(shares=shown)))

        def recovery(points, note):
            found, wrong = shamir.recover(points, t, lambda v: p.H("wss1.cb", p.b32(v)) == commitment)
            expect = dict(verdict="ok", secret=p.b32(found).hex(), wrong=wrong) if found is not None else dict(
                verdict="fault", fault="too-few" if len(points) < t else "unrecoverable")
            steps.append(dict(op="recover", threshold=t, shares={str(i): p.b32(v).hex() for i, v in points.items()},
                              commitmentLabel="wss1.cb", commitment=commitment.hex(), note=note, expect=expect))

        recovery(shares, "all shares")
        recovery({i: shares[i] for i in indices[-t:]}, "the last t shares")
        recovery({i: shares[i] for i in indices[: t - 1]}, "one share too few")
        last = indices[-1]
        recovery(shares | {last: (shares[last] + 1) % ORDER}, "the last share wrong")
        recovery(shares | {indices[0]: 5}, "the first share wrong")
    t, indices = 5, list(range(1, 12))
    stream = drawn(seed, "errors")(64 * t)
    secret, *coefficients = [p.reduce64(stream[64 * k : 64 * k + 64]) for k in range(t)]
    shares, commitment = shamir.deal(secret, coefficients, indices), p.H("wss1.cb", p.b32(secret))
    for wrong in ([2], [1, 4], [1, 5, 9], [2, 3, 4, 5]):
        points = shares | {i: (shares[i] * 3 + i) % ORDER for i in wrong}
        found, named = shamir.recover(points, t, lambda v: p.H("wss1.cb", p.b32(v)) == commitment)
        assert (found == secret and named == wrong) if len(wrong) <= 3 else found is None
        expect = dict(verdict="ok", secret=p.b32(found).hex(), wrong=named) if found is not None else dict(verdict="fault", fault="unrecoverable")
        steps.append(dict(op="recover", threshold=t, shares={str(i): p.b32(v).hex() for i, v in points.items()},
                          commitmentLabel="wss1.cb", commitment=commitment.hex(), note="%d wrong of 11, t = 5" % len(wrong), expect=expect))
    return vector("shamir", "primitives", "Secret sharing, reconstruction, and error correction with t + 2e shares", steps)


def bits(x):
    return struct.pack(">d", x).hex()


def fixed():
    steps = []
    for bound, sites, deviation, width in (
            (1.0, 3, 0.0, 32), (1.0, 10, 0.0, 32), (1000.0, 5, 0.0, 32), (1e6, 200, 0.0, 32), (1.0, 200, 0.0, 64), (0.001, 4, 100.0, 32),
            (1e-30, 3, 0.0, 32), (1e300, 3, 0.0, 64), (3.5, 7, 1e7, 32), (715827882.0, 3, 0.0, 32), (715827883.0, 3, 0.0, 32), (1.0, 3, 1e9, 32)):
        found = fixed_point.exponent_for(bound, sites, deviation, width)
        expect = dict(verdict="fault") if found is None else dict(verdict="ok", exponent=found, boundUnits=str(fixed_point.scaled(bound, found)))
        steps.append(dict(op="scale", bound=bits(bound), sites=sites, deviation=bits(deviation), width=width, note="C = %r" % bound, expect=expect))
    tie = 2.0**-3
    for x, bound, exponent, width in (
            (0.0, 1.0, 28, 32), (-0.0, 1.0, 28, 32), (0.5, 1.0, 0, 32), (1.5, 4.0, 0, 32), (2.5, 4.0, 0, 32), (-0.5, 1.0, 0, 32), (-2.5, 4.0, 0, 32),
            (0.1, 1.0, 28, 32), (-0.1, 1.0, 28, 32), (7.0, 1.0, 28, 32), (-7.0, 1.0, 28, 32), (math.pi, 10.0, 55, 64), (-math.pi, 10.0, 55, 64),
            (5e-324, 1.0, 60, 64), (3 * tie, 1.0, 2, 32), (123456789.0, 1e9, -10, 32), (math.nan, 1.0, 8, 32), (math.inf, 1.0, 8, 32), (-math.inf, 1.0, 8, 32)):
        try:
            q = fixed_point.encode(x, bound, exponent)
            expect = dict(verdict="ok", units=str(q), ring=p.to_bytes([q], width).hex(), decoded=bits(fixed_point.decode(q, exponent)))
        except Fault as fault:
            expect = dict(verdict="fault", fault=fault.name)
        steps.append(dict(op="encode", x=bits(x), bound=bits(bound), exponent=exponent, width=width, note=repr(x), expect=expect))
    for total, exponent in ((0, 28), (-1, 28), (2**31 - 1, 3), (-(2**63), 60), (2**63 - 1, 10), (2**53 + 1, 0), (12345, -7)):
        steps.append(dict(op="decode", total=str(total), exponent=exponent, expect=dict(x=bits(fixed_point.decode(total, exponent)))))
    return vector("fixed-point", "fixed-point", "Scale from the bound, rounding, clipping, decoding; doubles are given by their bits, most significant first", steps)


def manifests():
    seed = b"wardround vectors/manifest"
    seeds = {i: drawn(seed, "identity", i)(32) for i in range(8)}
    keys = {i: p.public_key(s) for i, s in seeds.items()}
    out = {}

    def opened(signed, note):
        try:
            m = Manifest(signed)
            expect = dict(verdict="ok", manifestDigest=m.digest.hex(), threshold=m.t, quorum=m.quorum, genesis=m.genesis().hex())
        except Fault as fault:
            expect = dict(verdict="fault", fault=fault.name, named=fault.named or [])
        return dict(op="openManifest", signed=signed.hex(), note=note, expect=expect)

    steps = []
    for n in (3, 5, 7):
        body = manifest_body([keys[i] for i in range(1, n + 1)], keys[0])
        digest = p.H("wss1.manifest", body)
        signatures = [p.sign(seeds[i], digest) for i in range(1, n + 1)]
        signed = sign_manifest(body, [seeds[i] for i in range(1, n + 1)])
        steps.append(dict(op="signManifest", body=body.hex(), identitySeeds={str(i): seeds[i].hex() for i in range(n + 1)},
                          expect=dict(digest=digest.hex(), signatures=[s.hex() for s in signatures], signed=signed.hex())))
        steps.append(opened(signed, "%d sites" % n))
    out |= vector("manifest", "manifest", "Manifests of 3, 5 and 7 sites", steps)

    three = [keys[1], keys[2], keys[3]]
    mine = [seeds[1], seeds[2], seeds[3]]
    good = manifest_body(three, keys[0])

    def entries(order, **changes):
        rows = [dict(index=i, siteName="hospital-%d" % i, legalEntity="Trust %d" % i, publicKey=keys[i]) for i in order]
        for position, change in changes.items():
            rows[int(position[1:]) - 1].update(change)
        return rows

    def rejected(name, about, cases):
        return vector(name, "manifest", about, [opened(signed, note) for note, signed in cases])

    out |= rejected("bad_reordered-roster", "Rosters out of order, doubled, or with strange keys", [
        ("sites 1 and 2 swapped", sign_manifest(manifest_body(three, keys[0], roster=entries([2, 1, 3])), [seeds[2], seeds[1], seeds[3]])),
        ("index 0", sign_manifest(manifest_body(three, keys[0], roster=entries([1, 2, 3], p1=dict(index=0))), mine)),
        ("a key twice", sign_manifest(manifest_body(three, keys[0], roster=entries([1, 2, 3], p3=dict(publicKey=keys[1]))), [seeds[1], seeds[2], seeds[1]])),
        ("a name twice", sign_manifest(manifest_body(three, keys[0], roster=entries([1, 2, 3], p3=dict(siteName="hospital-1"))), mine)),
        ("the aggregator's key", sign_manifest(manifest_body(three, keys[0], roster=entries([1, 2, 3], p2=dict(publicKey=keys[0]))), [seeds[1], seeds[0], seeds[3]])),
        ("an empty name", sign_manifest(manifest_body(three, keys[0], roster=entries([1, 2, 3], p2=dict(siteName=""))), mine)),
        ("two sites", sign_manifest(manifest_body(three[:2], keys[0], threshold=2, minimumSites=2, maximumColluders=0, differencingFloor=2), mine[:2]))])
    out |= rejected("bad_unsigned-manifest", "Signatures missing, in the wrong order, or over other bytes", [
        ("no signatures", sign_manifest(good, [])),
        ("the last one missing", sign_manifest(good, mine[:2])),
        ("one too many", sign_manifest(good, mine + [seeds[4]])),
        ("1 and 2 swapped", sign_manifest(good, [seeds[2], seeds[1], seeds[3]])),
        ("site 3's by another key", sign_manifest(good, [seeds[1], seeds[2], seeds[4]])),
        ("over another purpose", sign_manifest(manifest_body(three, keys[0], purpose="Anything"), [])[:4 + len(manifest_body(three, keys[0], purpose="Anything"))]
         + sign_manifest(good, mine)[4 + len(good):])])
    changes = [
        ("another magic", dict(magic=b"WSSX")), ("version 2", dict(version=2)), ("suite 2", dict(suite=2)), ("threshold 2", dict(threshold=2)),
        ("minimum of 4 sites", dict(minimumSites=4)), ("minimum of 1 site", dict(minimumSites=1)), ("two colluders of three", dict(maximumColluders=2)),
        ("no study identifier", dict(studyIdentifier="")), ("no differencing floor", dict(differencingFloor=0)), ("no rounds", dict(roundLimit=0)),
        ("epochs too long", dict(epochRoundLimit=4097)), ("vectors of one word", dict(maximumVectorLength=1)), ("epoch 0", dict(firstEpoch=0))]
    out |= rejected("bad_manifest-field", "One field out of its range at a time", [
        (note, sign_manifest(manifest_body(three, keys[0], **change), mine)) for note, change in changes])
    signed = sign_manifest(good, mine)
    latin = good.replace(b"sepsis-2025", b"sepsis-\xff\xfe25")
    out |= rejected("bad_manifest-bytes", "Manifests that are not canonical bytes", [
        ("truncated", signed[:-1]), ("a byte too many", signed + b"\0"), ("empty", b""), ("a study identifier that is not UTF-8", sign_manifest(latin, mine)),
        ("a byte too many in the body", sign_manifest(good + b"\0", mine)), ("a count beyond the bytes", signed[: 4 + len(good)] + b"\xff\xff\xff\xff" + signed[8 + len(good):])])
    return out


def everything():
    return primitives() | sharing() | fixed() | manifests()
