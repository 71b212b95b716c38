"""Manifest, envelope and message bodies (specification sections 2 to 4)."""

import noise
from codec import (
    BOOLEAN, CHECK, DIGEST, DIGESTS, PARCEL, SCALAR, SIGNATURE, SITES, TAG, U8, U16, U32, U64,
    After, Array, Blob, Int, Layers, Optional, Raw, Record, Text, Trailing, decode, encode, keyed,
)
from faults import Fault
from primitives import H, le16, le32, le64, public_key, set_hash, sign, verifies

ATTESTATION = Record(round=U64, digest=DIGEST, signature=SIGNATURE)
SIGNATURES = keyed("index", signature=SIGNATURE)
MESSAGE_LIMIT = 512 * 1024
WIDTH = Int("B", lambda v: v in (32, 64))
PREFETCH = Record(selfCommitment=DIGEST, maskCommitment=DIGEST, parcels=keyed("recipient", parcel=PARCEL), recovery=Blob())

BODIES = {
    "EpochOpen": (1, Record(members=SITES, baseRound=U64, acceptedRound=U64, acceptedDigest=DIGEST)),
    "KeyOffer": (2, Record(agreementKey=Raw(32), lastRound=U64, accepted=ATTESTATION)),
    "KeySet": (3, Record(offers=Array(Blob()))),
    "KeyConfirm": (4, Record(offersDigest=DIGEST)),
    "ConfirmSet": (5, Record(confirmations=Array(Blob()))),
    "CatchUp": (6, Record(
        entries=Array(Record(epoch=U32, round=U64, roundOpenBody=Blob(), resultBody=Blob())), attestations=SIGNATURES)),
    "RoundOpen": (16, Record(
        mode=Int("B", lambda v: v in (0, 1)), ringWidth=WIDTH, vectorLength=U32, prefetch=BOOLEAN, purposeTag=Text(64),
        queryDigest=DIGEST, previousDigest=DIGEST, members=SITES, layers=Layers())),
    "Shares": (17, Record(
        selfCommitment=DIGEST, maskCommitment=DIGEST, parcels=keyed("recipient", parcel=PARCEL, check=CHECK),
        recovery=Blob(), attestation=Optional(ATTESTATION))),
    "Lock1": (18, Record(members=SITES, parcels=keyed("sender", parcel=PARCEL, check=Optional(CHECK)))),
    "Masked": (19, Record(
        vectorDigest=DIGEST, vectorLength=U32, ringWidth=WIDTH, tag=TAG, checks=keyed("peer", check=CHECK),
        attestation=Optional(ATTESTATION), commitments=DIGESTS)),
    "Lock2": (20, Record(members=SITES, vectorDigests=Array(DIGEST), checks=keyed("sender", check=CHECK), commitments=DIGESTS)),
    "Ack": (21, Record(statement=DIGEST, signature=SIGNATURE)),
    "AckSet": (22, Record(statement=DIGEST, acknowledgements=SIGNATURES)),
    "Unmask": (23, Record(
        selfSecret=SCALAR, selfShares=keyed("owner", share=SCALAR), maskShares=keyed("owner", share=SCALAR),
        prefetch=Optional(PREFETCH), layerSeeds=DIGESTS, layerTag=After("layerSeeds", TAG))),
    "Result": (24, Record(
        sumDigest=DIGEST, vectorLength=U32, ringWidth=WIDTH, tag=TAG, shareMembers=SITES, members=SITES,
        listDigest=DIGEST, acknowledgements=SIGNATURES, resultDigest=DIGEST,
        layers=Trailing(Record(removed=BOOLEAN, value=Raw(32))), layerTag=After("layers", TAG))),
    "Abort": (25, Record(code=U16, named=SITES)),
}
KINDS = {number: name for name, (number, _) in BODIES.items()}
FROM_AGGREGATOR = {"EpochOpen", "KeySet", "ConfirmSet", "CatchUp", "RoundOpen", "Lock1", "Lock2", "AckSet", "Result", "Abort"}
FROM_SITE = {"KeyOffer", "KeyConfirm", "Shares", "Masked", "Ack", "Unmask", "Abort"}
EPOCH_KINDS = {"EpochOpen", "KeyOffer", "KeySet", "KeyConfirm", "ConfirmSet", "CatchUp"}
HEADER = Record(
    magic=Raw(4), version=U8, suite=U8, kind=U8, manifest=DIGEST, epoch=U32, round=U64, sender=U16, body=Blob())

MANIFEST = Record(
    magic=Raw(4), version=U16, suite=U16, studyIdentifier=Text(), purpose=Text(), aggregatorName=Text(),
    aggregatorKey=Raw(32), roster=Array(Record(index=U16, siteName=Text(), legalEntity=Text(), publicKey=Raw(32))),
    threshold=U16, minimumSites=U16, maximumColluders=U16, differencingFloor=U16, programDigest=DIGEST, encoding=Text(),
    privacyPlanDigest=DIGEST, roundLimit=U64, epochRoundLimit=U32, maximumVectorLength=U32, firstEpoch=U32)
SIGNED_MANIFEST = Record(body=Blob(), signatures=Array(SIGNATURE))


class Manifest:
    """A checked manifest with every site's signature."""

    def __init__(self, data):
        if len(data) > 1 << 20:
            raise Fault("too-long", [])
        outer = decode(SIGNED_MANIFEST, data)
        self.bytes, self.body = bytes(data), outer["body"]
        m = self.fields = decode(MANIFEST, self.body)
        roster = m["roster"]
        n = self.n = len(roster)
        self.t = 2 * n // 3 + 1
        self.keys = {0: m["aggregatorKey"]}
        names = set()
        if not 3 <= n <= 200:
            raise Fault("roster-invalid", [])
        for position, entry in enumerate(roster, 1):
            name, entity, key = (entry[k] for k in ("siteName", "legalEntity", "publicKey"))
            if (entry["index"] != position or not 1 <= len(name.encode()) <= 128 or name in names
                    or not 1 <= len(entity.encode()) <= 256 or key in self.keys.values()):
                raise Fault("roster-invalid", [position])
            names.add(name)
            self.keys[position] = key
        c = self.c = m["maximumColluders"]
        good = (
            m["magic"] == b"WSSM" and m["version"] == 1 and m["suite"] == 1
            and 1 <= len(m["studyIdentifier"].encode()) <= 128 and len(m["purpose"].encode()) <= 4096
            and 1 <= len(m["aggregatorName"].encode()) <= 128 and len(m["encoding"].encode()) <= 256
            and m["threshold"] == self.t and 2 <= m["minimumSites"] <= n and c <= min(n - 2, 2 * self.t - n - 1)
            and 1 <= m["differencingFloor"] <= n and m["roundLimit"] >= 1 and 1 <= m["epochRoundLimit"] <= 4096
            and m["maximumVectorLength"] >= 2 and m["firstEpoch"] >= 1)
        if not good:
            raise Fault("manifest-invalid", [])
        digest = H("wss1.manifest", self.body)
        signatures = outer["signatures"]
        missing = [i for i in range(1, n + 1)
                   if i > len(signatures) or not verifies(self.keys[i], signatures[i - 1], digest)]
        if missing or len(signatures) != n:
            raise Fault("manifest-unsigned", missing)
        self.digest = H("wss1.hm", self.body, b"".join(signatures))
        self.two = max(self.t, m["minimumSites"])
        self.quorum = max(self.two, c + 2)
        self.roster = list(range(1, n + 1))

    def genesis(self):
        return H("wss1.genesis", self.digest)

    def attested(self, number, digest):
        return H("wss1.attest", self.digest, le64(number), digest)

    def round_digest(self, epoch, number, body):
        return H("wss1.round", self.digest, le32(epoch), le64(number), body)

    def prefetch_digest(self, epoch, number):
        return H("wss1.prefetch", self.digest, le32(epoch), le64(number))


def manifest_body(keys, aggregator_key, **changes):
    """A manifest body for `keys` in roster order, with the defaults of the specification."""
    n = len(keys)
    towns = ["Aldgate", "Birkholm", "Castellan", "Dornbach", "Elmira", "Fjordby", "Granada", "Harwell", "Isola", "Jura"]
    fields = dict(
        magic=b"WSSM", version=1, suite=1, studyIdentifier="sepsis-2025", purpose="Predict sepsis within 24 hours of admission",
        aggregatorName="Wardround coordinating centre", aggregatorKey=aggregator_key,
        roster=[dict(index=i, siteName="hospital-%d" % i, legalEntity="%s Hospital Trust" % towns[(i - 1) % 10], publicKey=k)
                for i, k in enumerate(keys, 1)],
        threshold=2 * n // 3 + 1, minimumSites=3, maximumColluders=1, differencingFloor=3 if n >= 3 else n,
        programDigest=H("example.program"), encoding="fixed-point/1", privacyPlanDigest=bytes(32), roundLimit=100000,
        epochRoundLimit=256, maximumVectorLength=1 << 27, firstEpoch=1)
    fields.update(changes)
    return encode(MANIFEST, fields)


def sign_manifest(body, seeds):
    digest = H("wss1.manifest", body)
    return encode(SIGNED_MANIFEST, dict(body=body, signatures=[sign(s, digest) for s in seeds]))


def body_bytes(kind, body):
    return encode(BODIES[kind][1], body)


def message(manifest_digest, seed, kind, epoch, number, sender, body):
    """A whole signed message; `body` is a dict or ready bytes."""
    raw = body if isinstance(body, bytes) else body_bytes(kind, body)
    head = encode(HEADER, dict(
        magic=b"WSS1", version=1, suite=1, kind=BODIES[kind][0], manifest=manifest_digest, epoch=epoch, round=number,
        sender=sender, body=raw))
    return head + sign(seed, H("wss1.sig", head))


class Envelope:
    """Steps 1 to 8 of section 3. `peer` is who the transport says sent it."""

    def __init__(self, data, manifest, receiver, peer):
        try:
            if len(data) > MESSAGE_LIMIT:
                raise Fault("too-long")
            if len(data) < 121:
                raise Fault("truncated")
            if data[:4] != b"WSS1":
                raise Fault("not-canonical")
            if data[4] != 1 or data[5] != 1:
                raise Fault("wrong-suite")
            if data[6] not in KINDS:
                raise Fault("unknown-kind")
            length = int.from_bytes(data[53:57], "little")
            if length > len(data) - 121:
                raise Fault("truncated")
            if length < len(data) - 121:
                raise Fault("trailing-bytes")
            if data[7:39] != manifest.digest:
                raise Fault("wrong-manifest")
        except Fault as fault:
            raise Fault(fault.name, [peer]) from None
        self.bytes, self.kind = bytes(data), KINDS[data[6]]
        self.epoch = int.from_bytes(data[39:43], "little")
        self.round = int.from_bytes(data[43:51], "little")
        self.sender = int.from_bytes(data[51:53], "little")
        self.raw = bytes(data[57:-64])
        allowed = FROM_SITE if receiver == 0 else FROM_AGGREGATOR
        if self.kind not in allowed or self.sender != peer or self.sender not in manifest.keys:
            raise Fault("sender-unknown", [])
        if not verifies(manifest.keys[self.sender], bytes(data[-64:]), H("wss1.sig", bytes(data[:-64]))):
            raise Fault("signature-invalid", [self.sender])
        self.identity = H("wss1.message", self.bytes)

    def body(self):
        try:
            return decode(BODIES[self.kind][1], self.raw)
        except Fault as fault:
            raise Fault(fault.name, [self.sender]) from None


def list_digest(members, digests):
    return H("wss1.list", b"".join(le16(i) + d for i, d in zip(members, digests)))


def layer_commitment(transcript, site, layer, seed):
    return H("wss1.layer", transcript, le16(site), le16(layer), seed)


def statement(transcript, first, second, listed, commitments=()):
    """`commitments`: of all layers of all of `second`, site by site; none in a round without layers."""
    more = [H("wss1.layers", b"".join(commitments))] if commitments else []
    return H("wss1.ack", transcript, set_hash(first), set_hash(second), listed, *more)


def result_digest(transcript, first, second, listed, sum_digest, tag, layers=(), layer_tag=0):
    more = [b"".join(bytes([x["removed"]]) + x["value"] for x in layers) + le64(layer_tag)] if layers else []
    return H("wss1.result", transcript, set_hash(first), set_hash(second), listed, sum_digest, le64(tag), *more)


def removed_layers(layers, survivors):
    """Positions of the layers that come off a sum over so many sites."""
    return [k for k, layer in enumerate(layers) if survivors > layer["limit"]]


def check_layers(result, layers):
    """A Result's records of noise: (site, layer, record) of all of them; `result-mismatch` when they are not as they may be."""
    members, records = result["members"], result["layers"]
    if len(records) != len(members) * len(layers):
        raise Fault("result-mismatch", [0])
    signed = {a["index"] for a in result["acknowledgements"]}
    gone = removed_layers(layers, len(members))
    found = [(members[at // len(layers)], at % len(layers), record) for at, record in enumerate(records)]
    if any(record["removed"] and (k not in gone or i not in signed) for i, k, record in found):
        raise Fault("result-mismatch", [0])
    return found


def stated_commitments(transcript, found):
    return [layer_commitment(transcript, i, k, r["value"]) if r["removed"] else r["value"] for i, k, r in found]


def removed_noise(found, layers, count):
    """The sum of the noise that is off the sum."""
    total = [0] * count
    for _, k, record in found:
        if record["removed"]:
            total = [a + b for a, b in zip(total, noise.draws("discrete-gaussian", layers[k]["variance"], record["value"], count))]
    return total


def check_quorum(manifest, members, stated, entries):
    """Acknowledgements: all valid and of members, and at least t."""
    bad = [e["index"] for e in entries
           if e["index"] not in members or not verifies(manifest.keys[e["index"]], e["signature"], stated)]
    if bad:
        raise Fault("ack-invalid", bad)
    if len(entries) < manifest.t:
        raise Fault("quorum-missing", [0])
