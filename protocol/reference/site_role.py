"""A site's side of the protocol (specification sections 7, 8, 12, 13), as one event-driven object."""

import noise
from codec import ORDER, PRIME, decode
from faults import CODES, NAMES, Fault
from journal import Journal
from machine import Machine, Outcome, raise_unless
from messages import (
    BODIES, Envelope, check_layers, check_quorum, layer_commitment, list_digest, removed_layers, removed_noise, result_digest,
    statement, stated_commitments,
)
from primitives import (
    H, agree, agreement_key, b32, from_bytes, layer_pad, le16, le32, reduce64, seal, set_hash, sign, signed,
    sum_tag, tag_mask, to_bytes, unseal, verifies, words,
)
from shamir import deal

ACTIVE = ("SHARED", "OPENED", "LOCKED", "COMMITTED", "ACKED")
AFTER_LOCK1 = ("LOCKED", "COMMITTED", "ACKED", "RELEASED")


class Deal:
    """The secrets of one site for one round and what it sends about them (Shares or Prefetch)."""

    def __init__(self, t, members, own, draw, name):
        self.b, self.K = reduce64(draw(name + ".b", 64)), reduce64(draw(name + ".K", 64))
        self.gamma = draw(name + ".gamma", 32)
        first = [reduce64(draw("%s.b.c%d" % (name, k), 64)) for k in range(1, t)]
        second = [reduce64(draw("%s.K.c%d" % (name, k), 64)) for k in range(1, t)]
        self.b_shares, self.K_shares = deal(self.b, first, members), deal(self.K, second, members)
        self.peers = [j for j in members if j != own]
        self.nonces = {j: draw("%s.nonce.%d" % (name, j), 24) for j in self.peers}
        self.recovery_nonce = draw(name + ".nonce.recovery", 24)
        self.self_commitment, self.mask_commitment = H("wss1.cb", b32(self.b)), H("wss1.ck", b32(self.K))

    def parcel(self, own, j, key, aad):
        channel = H("wss1.chan", le16(own, j), key=key)
        return seal(channel, self.nonces[j], b32(self.b_shares[j]) + b32(self.K_shares[j]) + self.gamma, aad)

    def recovery(self, entries, aad):
        plain = b"".join(le16(j) + entries[j] for j in self.peers)
        return seal(H("wss1.recovery", b32(self.K)), self.recovery_nonce, plain, aad)

    def values(self):
        out = {"b": b32(self.b), "K": b32(self.K), "gamma": self.gamma}
        for j in self.b_shares:
            out["share.b.%d" % j], out["share.K.%d" % j] = b32(self.b_shares[j]), b32(self.K_shares[j])
        return out


class Round:
    """Everything about the round in progress."""


class Site(Machine):
    def __init__(self, index, seed, manifest, draw, journal=None):
        super().__init__(index, seed, manifest)
        self.draw, self.journal = draw, journal or Journal()
        self.phase, self.members, self.base, self.used = "UNKEYED", [], 0, None
        self.last_round, self.accepted = 0, (0, self.genesis)
        self.released, self.expected, self.answer_values = [], None, None
        self.round, self.pending, self.prefetch, self.replies, self.held = None, None, None, {}, []
        self.halted, self.epoch = False, manifest.fields["firstEpoch"] - 1
        self.restore()

    # ---- journal ---------------------------------------------------------------------------------------

    def restore(self):
        body, members, last = None, None, None
        for r in self.journal.read():
            kind, number = r["type"], r["round"]
            if kind == 1:
                self.epoch = r["epoch"]
                continue
            last = (kind, number)
            self.last_round = max(self.last_round, number)
            if kind == 2:
                body, self.pending, self.replies = r, None, {}
            elif kind == 4:
                members = r["members"]
            elif kind == 5:
                opened = decode(BODIES["RoundOpen"][1], body["body"])
                self.pending = dict(
                    epoch=body["epoch"], round=number, transcript=r["transcript"], members=members,
                    width=opened["ringWidth"], length=opened["vectorLength"], layers=opened["layers"], alpha=r["alphaSeed"], statement=None)
                self.replies[r["request"]] = (r["reply"], self.stored_vector(r["reply"]))
            elif kind == 6:
                self.pending["statement"] = r["statement"]
                self.replies[r["request"]] = (r["reply"], None)
            elif kind == 7:
                self.released.append((r["queryDigest"], r["members"]))
                self.replies[r["request"]] = (r["reply"], None)
            elif kind == 8:
                self.accepted = (number, r["resultDigest"])
                if self.pending and self.pending["round"] <= number:
                    self.pending, self.replies = None, {}
            elif kind == 9 and r["code"] == CODES["sum-rejected"] and r["named"] == [0]:
                self.halted = True
        if last and last[0] in (2, 3, 4):
            self.journal.add(9, last[1], code=CODES["restarted"], named=[self.index])

    def stored_vector(self, masked):
        return self.journal.vectors[decode(BODIES["Masked"][1], masked[57:-64])["vectorDigest"]]

    # ---- events ----------------------------------------------------------------------------------------

    @property
    def state(self):
        if self.halted:
            return "HALTED"
        if self.phase != "KEYED":
            return self.phase
        return self.round.state if self.round else "IDLE"

    def expect(self, **query):
        self.expected, self.answer_values, self.answer_seeds = query, None, []
        return Outcome()

    def answer(self, values, layerSeeds=()):
        out = Outcome()
        self.answer_values, self.answer_seeds = values, list(layerSeeds)
        if self.phase == "KEYED" and self.round and self.round.state == "LOCKED":
            self.guard(out, lambda: self.commit(out))
        return out

    def deadline(self):
        out, fault = Outcome(), Fault("timeout", [0])
        if self.halted:
            return out
        if self.phase in ("OFFERED", "CONFIRMING"):
            self.leave_epoch(out, fault)
        elif self.phase == "KEYED" and self.round and self.round.state in ACTIVE:
            self.leave_round(out, fault)
        return out

    def deliver(self, peer, data, payload=None):
        out = Outcome()
        try:
            env = Envelope(data, self.manifest, self.index, peer)
            if env.identity in self.replies and not self.halted:
                reply = self.replies[env.identity]
                if reply:
                    out.send(0, *reply)
                return out
            self.admit(env)
        except Fault as fault:
            out.refuse(fault)
            return out
        self.guard(out, lambda: getattr(self, "on_" + env.kind)(out, env, payload))
        return out

    def guard(self, out, action):
        """Runs a handler; a fault of class A leaves the round, or the epoch attempt."""
        try:
            action()
        except Fault as fault:
            out.refuse(fault)
            if self.phase in ("OFFERED", "CONFIRMING") or self.round is None:
                self.leave_epoch(out, fault)
            else:
                self.leave_round(out, fault)
                self.halted = fault.name == "sum-rejected"

    def admit(self, env):
        """Steps 9 and 10 of section 3."""
        if self.halted:
            raise Fault("unexpected-message", [0])
        kind = env.kind
        here = self.round.state if self.phase == "KEYED" and self.round else None
        if kind == "EpochOpen":
            raise_unless(env.epoch > self.epoch, "wrong-epoch", [0])
            raise_unless(env.round == 0, "wrong-round", [0])
            return
        if kind == "Result" and self.pending and (env.epoch, env.round) == (self.pending["epoch"], self.pending["round"]):
            return
        raise_unless(env.epoch == self.epoch, "wrong-epoch", [0])
        if kind in ("KeySet", "ConfirmSet", "CatchUp"):
            raise_unless(env.round == 0, "wrong-round", [0])
            wanted = {"KeySet": ("OFFERED",), "ConfirmSet": ("CONFIRMING",), "CatchUp": ("CONFIRMING",)}[kind]
            raise_unless(self.phase in wanted, "unexpected-message", [0])
        elif kind == "RoundOpen":
            raise_unless(env.round > self.last_round, "round-replayed", [0])
            raise_unless(
                env.round <= self.manifest.fields["roundLimit"]
                and env.round - self.base <= self.manifest.fields["epochRoundLimit"], "round-limit", [0])
            ready = self.phase == "KEYED" and here in (None, "DONE", "ABORTED", "RELEASED") and self.expected
            raise_unless(ready, "unexpected-message", [0])
        elif kind == "Abort" and env.round == 0:
            return
        else:
            raise_unless(env.round == self.last_round and env.round > 0, "wrong-round", [0])
            wanted = {"Lock1": ("SHARED", "OPENED") + AFTER_LOCK1, "Lock2": ("COMMITTED", "ACKED", "RELEASED"),
                      "AckSet": ("ACKED", "RELEASED"), "Result": (), "Abort": (here,)}[kind]
            raise_unless(here in wanted, "unexpected-message", [0])

    # ---- leaving ---------------------------------------------------------------------------------------

    def leave_epoch(self, out, fault):
        self.phase, self.round, self.prefetch, self.keys = "UNKEYED", None, None, {}
        out.send(0, self.abort_message(0, fault))

    def leave_round(self, out, fault, send=True):
        self.journal.add(9, self.round.number, code=CODES[fault.name], named=fault.named or [])
        self.advance(self.round.number + 1)
        early = self.round.state in ("SHARED", "OPENED", "LOCKED")
        number, self.round = self.round.number, Round()
        self.round.number, self.round.state, self.expected, self.answer_values = number, "ABORTED", None, None
        self.prefetch = None
        if early:
            self.replies = {}
        if send:
            out.send(0, self.abort_message(number, fault))

    def advance(self, number):
        """Ratchets every pair key to round `number`; nothing goes back."""
        while self.key_round < number:
            self.keys = {j: H("wss1.next", key=k) for j, k in self.keys.items()}
            self.key_round += 1

    # ---- setup -----------------------------------------------------------------------------------------

    def attestation(self):
        number, digest = self.accepted
        return dict(round=number, digest=digest, signature=sign(self.seed, self.manifest.attested(number, digest)))

    def on_EpochOpen(self, out, env, payload):
        self.phase, self.round, self.prefetch, self.keys, self.used, self.held = "OFFERED", None, None, {}, None, []
        self.epoch = env.epoch
        body, m = env.body(), self.manifest
        members = body["members"]
        first = env.epoch == m.fields["firstEpoch"]
        raise_unless(self.index in members and set(members) <= set(m.roster), "set-invalid", [0])
        raise_unless(not first or members == m.roster, "set-invalid", [0])
        raise_unless(len(members) >= m.quorum, "too-few", [0])
        raise_unless(body["baseRound"] >= self.last_round, "round-replayed", [0])
        number, digest = body["acceptedRound"], body["acceptedDigest"]
        raise_unless(number > self.accepted[0] or (number, digest) == self.accepted, "chain-mismatch", [0])
        self.members, self.base, self.target, self.opening = members, body["baseRound"], (number, digest), env.bytes
        self.journal.add(1, self.last_round, epoch=env.epoch, baseRound=self.base)
        self.secret = self.draw("epoch%d.x25519" % env.epoch, 32)
        self.offer = self.write("KeyOffer", 0, dict(
            agreementKey=agreement_key(self.secret), lastRound=self.last_round, accepted=self.attestation()))
        out.send(0, self.offer)

    def inner(self, data, kind, sender):
        """A message inside KeySet or ConfirmSet: checked like one received from its sender."""
        try:
            env = Envelope(data, self.manifest, 0, sender)
        except Fault as fault:
            raise Fault("signature-invalid" if fault.name == "signature-invalid" else "set-invalid",
                        [sender] if fault.name == "signature-invalid" else [0]) from None
        raise_unless(env.kind == kind and env.epoch == self.epoch and env.round == 0, "set-invalid", [0])
        return env

    def on_KeySet(self, out, env, payload):
        offers = env.body()["offers"]
        raise_unless(len(offers) == len(self.members), "set-invalid", [0])
        public = {}
        for j, data in zip(self.members, offers):
            if j == self.index:
                raise_unless(data == self.offer, "key-replaced", [0])
            public[j] = self.inner(data, "KeyOffer", j).body()["agreementKey"]
            if public[j] in [k for other, k in public.items() if other != j]:
                raise Fault("key-invalid", [j])
        self.keys, self.key_round = {}, self.base
        for j in self.members:
            if j == self.index:
                continue
            a, b = min(self.index, j), max(self.index, j)
            try:
                shared = agree(self.secret, public[j])
            except Fault:
                raise Fault("key-invalid", [j]) from None
            self.keys[j] = H("wss1.prk", shared, self.manifest.digest, le32(self.epoch), le16(a, b), public[a], public[b])
            out.values["k.%d" % j] = self.keys[j]
        self.secret = None
        self.offers_digest = H("wss1.offers", self.opening, *offers)
        self.phase = "CONFIRMING"
        out.send(0, self.write("KeyConfirm", 0, dict(offersDigest=self.offers_digest)))

    def on_CatchUp(self, out, env, payload):
        body, m = env.body(), self.manifest
        payload = payload or b""
        number, digest = self.held[-1] if self.held else self.accepted
        for entry in body["entries"]:
            try:
                opened = decode(BODIES["RoundOpen"][1], entry["roundOpenBody"])
                result = decode(BODIES["Result"][1], entry["resultBody"])
            except Fault as fault:
                raise Fault(fault.name, [0]) from None
            raise_unless(entry["round"] > number and opened["previousDigest"] == digest, "chain-mismatch", [0])
            size = opened["vectorLength"] * opened["ringWidth"] // 8
            total, payload = payload[:size], payload[size:]
            transcript = m.round_digest(entry["epoch"], entry["round"], entry["roundOpenBody"])
            first, second = result["shareMembers"], result["members"]
            found = check_layers(result, opened["layers"])
            stated = statement(transcript, first, second, result["listDigest"], stated_commitments(transcript, found))
            check_quorum(m, second, stated, result["acknowledgements"])
            good = len(total) == size and result["sumDigest"] == H("wss1.vector", total)
            made = result_digest(
                transcript, first, second, result["listDigest"], result["sumDigest"], result["tag"], result["layers"],
                result["layerTag"])
            raise_unless(good and made == result["resultDigest"], "result-mismatch", [0])
            number, digest = entry["round"], made
            self.held.append((number, digest))
        raise_unless(not payload, "vector-length", [0])
        if not body["attestations"]:
            return
        raise_unless((number, digest) == self.target, "chain-mismatch", [0])
        check_quorum(m, m.roster, m.attested(number, digest), body["attestations"])
        for item in self.held:
            self.journal.add(8, item[0], resultDigest=item[1])
        self.accepted, self.held, self.pending, self.replies = self.target, [], None, {}
        self.last_round = max(self.last_round, number)
        out.values["R"] = digest

    def on_ConfirmSet(self, out, env, payload):
        confirmations = env.body()["confirmations"]
        raise_unless(len(confirmations) == len(self.members), "set-invalid", [0])
        differ = [j for j, data in zip(self.members, confirmations)
                  if self.inner(data, "KeyConfirm", j).body()["offersDigest"] != self.offers_digest]
        raise_unless(not differ, "keys-unconfirmed", differ)
        raise_unless(self.accepted == self.target, "chain-mismatch", [0])
        self.phase, self.round = "KEYED", None

    # ---- round -----------------------------------------------------------------------------------------

    def on_RoundOpen(self, out, env, payload):
        m, me = self.manifest, self.index
        r = self.round = Round()
        r.number, r.state, r.request = env.round, "OPENED", env.identity
        self.last_round, self.pending, self.replies = env.round, None, {env.identity: None}
        self.advance(env.round)
        body = r.body = env.body()
        r.width, r.length, r.fast = body["ringWidth"], body["vectorLength"], body["mode"] == 1
        same = all(body[k] == self.expected[k] for k in ("queryDigest", "purposeTag", "ringWidth", "vectorLength"))
        same = same and body["layers"] == (self.expected.get("layers") or [])
        r.layers = body["layers"]
        raise_unless(same, "query-mismatch", [0, me])
        raise_unless(body["previousDigest"] == self.accepted[1], "chain-mismatch", [0])
        r.U0 = body["members"]
        room = set(self.members) if self.used is None else set(self.used)
        raise_unless(me in r.U0 and set(r.U0) <= room, "set-invalid", [0])
        raise_unless(len(r.U0) >= m.quorum, "too-few", [0])
        ready = self.prefetch
        if r.fast:
            fits = ready and ready["round"] == r.number and set(r.U0) <= set(ready["deal"].peers) | {me}
            raise_unless(fits, "prefetch-missing", [me])
        self.prefetch, self.used = None, r.U0
        r.T = m.round_digest(self.epoch, r.number, env.raw)
        peers = r.peers = [j for j in r.U0 if j != me]
        r.masks = {j: H("wss1.mask", key=self.keys[j]) for j in peers}
        r.seeds = {j: H("wss1.seed", r.T, key=r.masks[j]) for j in peers}
        r.mine = {j: self.check(r.seeds[j], me, j) for j in peers}
        r.theirs = {j: self.check(r.seeds[j], j, me) for j in peers}
        out.values["T"] = r.T
        for j in peers:
            out.values.update({
                "k.%d" % j: self.keys[j], "m.%d" % j: r.masks[j], "s.%d" % j: r.seeds[j], "check.%d" % j: r.mine[j]})
        self.journal.add(2, r.number, transcript=r.T, epoch=self.epoch, queryDigest=body["queryDigest"], body=env.raw)
        if r.fast:
            r.deal, r.aad = ready["deal"], m.prefetch_digest(self.epoch, r.number)
            return
        r.aad = r.T
        r.deal = Deal(m.t, r.U0, me, self.draw, "r%d" % r.number)
        out.values.update(r.deal.values())
        self.journal.add(3, r.number, selfCommitment=r.deal.self_commitment, maskCommitment=r.deal.mask_commitment)
        r.state = "SHARED"
        self.reply(out, env.identity, self.write("Shares", r.number, dict(
            selfCommitment=r.deal.self_commitment, maskCommitment=r.deal.mask_commitment,
            parcels=[dict(recipient=j, parcel=r.deal.parcel(me, j, self.keys[j], r.aad), check=r.mine[j]) for j in peers],
            recovery=r.deal.recovery(r.seeds, r.aad), attestation=self.attestation() if self.accepted[0] else None)))

    @staticmethod
    def check(seed, sender, receiver):
        return H("wss1.check", seed, le16(sender, receiver))[:16]

    def reply(self, out, request, data, payload=None):
        self.replies[request] = (data, payload)
        out.send(0, data, payload)

    def on_Lock1(self, out, env, payload):
        r, me, m = self.round, self.index, self.manifest
        raise_unless(r.state not in AFTER_LOCK1, "second-statement", [0])
        body = env.body()
        U1, parcels = body["members"], {p["sender"]: p for p in body["parcels"]}
        peers = [j for j in U1 if j != me]
        shaped = (
            me in U1 and set(U1) <= set(r.U0) and (not r.fast or U1 == r.U0) and list(parcels) == peers
            and all((p["check"] is None) == r.fast for p in parcels.values()))
        raise_unless(shaped, "set-invalid", [0])
        raise_unless(len(U1) >= m.quorum, "too-few", [0])
        if not r.fast:
            differ = [j for j in peers if parcels[j]["check"] != r.theirs[j]]
            raise_unless(not differ, "seed-mismatch", differ)
        r.b_shares, r.K_shares, gammas, unreadable = {}, {}, {me: r.deal.gamma}, []
        for j in peers:
            plain = unseal(H("wss1.chan", le16(j, me), key=self.keys[j]), parcels[j]["parcel"], r.aad)
            if plain is None:
                unreadable.append(j)
                continue
            one, two = (int.from_bytes(plain[k : k + 32], "little") for k in (0, 32))
            if one >= ORDER or two >= ORDER:
                unreadable.append(j)
                continue
            r.b_shares[j], r.K_shares[j], gammas[j] = one, two, plain[64:]
        raise_unless(not unreadable, "share-unreadable", unreadable)
        r.U1, r.lock1 = U1, env.identity
        r.alpha = H("wss1.alpha", r.T, set_hash(U1), *[gammas[j] for j in U1])
        out.values["alphaSeed"] = r.alpha
        self.journal.add(4, r.number, members=U1)
        r.state = "LOCKED"
        self.replies[env.identity] = None
        if self.answer_values is not None:
            self.commit(out)

    def commit(self, out):
        r, me, width = self.round, self.index, self.round.width
        values, half = self.answer_values, 2 ** (width - 1)
        raise_unless(len(values) == r.length - 1 and all(-half <= v < half for v in values), "answer-invalid", [me])
        raise_unless(len(self.answer_seeds) == len(r.layers), "answer-invalid", [me])
        r.layer_seeds, self.answer_seeds = self.answer_seeds, []
        r.commitments = [layer_commitment(r.T, me, k, seed) for k, seed in enumerate(r.layer_seeds)]
        x = [1] + [v % 2**width for v in values]
        r.layer_tags = []
        for seed, layer in zip(r.layer_seeds, r.layers):
            drawn = [0] + [v % 2**width for v in noise.draws("discrete-gaussian", layer["variance"], seed, len(values))]
            r.layer_tags.append(sum_tag(r.alpha, drawn, width))
            x = [(a + b) % 2**width for a, b in zip(x, drawn)]
        selfkey = H("wss1.self", b32(r.deal.b))
        tag = plain_tag = sum_tag(r.alpha, x, width)
        tag = (tag + tag_mask(selfkey)) % PRIME
        mask = words(selfkey, width, r.length)
        y = [(a + b) % 2**width for a, b in zip(x, mask)]
        out.values.update(selfkey=selfkey, selfmask=to_bytes(mask[:4], width), tag=str(plain_tag))
        for j in (j for j in r.U1 if j != me):
            key = H("wss1.pair", r.seeds[j], set_hash(r.U1))
            sign_of = 1 if me < j else -1
            mask = words(key, width, r.length)
            y = [(a + sign_of * b) % 2**width for a, b in zip(y, mask)]
            tag = (tag + sign_of * tag_mask(key)) % PRIME
            out.values["pairkey.%d" % j], out.values["pairmask.%d" % j] = key, to_bytes(mask[:4], width)
        data = to_bytes(y, width)
        r.digest = H("wss1.vector", data)
        reply = self.write("Masked", r.number, dict(
            vectorDigest=r.digest, vectorLength=r.length, ringWidth=width, tag=tag,
            checks=[dict(peer=j, check=r.mine[j]) for j in r.U1 if j != me] if r.fast else [],
            attestation=self.attestation() if r.fast and self.accepted[0] else None, commitments=r.commitments))
        self.journal.vectors[r.digest] = data
        self.journal.add(5, r.number, transcript=r.T, memberDigest=set_hash(r.U1), alphaSeed=r.alpha, request=r.lock1, reply=reply)
        self.pending = dict(
            epoch=self.epoch, round=r.number, transcript=r.T, members=r.U1, width=width, length=r.length, layers=r.layers,
            alpha=r.alpha, statement=None)
        r.state, self.answer_values, self.expected = "COMMITTED", None, None
        self.reply(out, r.lock1, reply, data)

    def on_Lock2(self, out, env, payload):
        r, me, m = self.round, self.index, self.manifest
        raise_unless(r.state == "COMMITTED", "second-statement", [0])
        body = env.body()
        U2, digests = body["members"], body["vectorDigests"]
        checks = {c["sender"]: c["check"] for c in body["checks"]}
        shaped = (
            me in U2 and set(U2) <= set(r.U1) and len(digests) == len(U2) and digests[U2.index(me)] == r.digest
            and list(checks) == ([j for j in U2 if j != me] if r.fast else []))
        count, commitments = len(r.layers), body["commitments"]
        shaped = (
            shaped and len(commitments) == count * len(U2)
            and commitments[U2.index(me) * count :][:count] == r.commitments)
        raise_unless(shaped, "set-invalid", [0])
        raise_unless(len(U2) >= m.two and len(U2) - m.c >= 2, "too-few", [0])
        differ = [j for j in checks if checks[j] != r.theirs[j]]
        raise_unless(not differ, "seed-mismatch", differ)
        for query, earlier in self.released:
            if query == r.body["queryDigest"]:
                apart = len(set(earlier) ^ set(U2))
                raise_unless(apart == 0 or apart >= m.fields["differencingFloor"], "set-change", [0])
        r.U2, listed = U2, list_digest(U2, digests)
        r.statement = self.pending["statement"] = statement(r.T, r.U1, U2, listed, commitments)
        out.values.update(listDigest=listed, statement=r.statement)
        reply = self.write("Ack", r.number, dict(statement=r.statement, signature=sign(self.seed, r.statement)))
        self.journal.add(6, r.number, statement=r.statement, members=U2, request=env.identity, reply=reply)
        r.state = "ACKED"
        self.reply(out, env.identity, reply)

    def on_AckSet(self, out, env, payload):
        r, me, m = self.round, self.index, self.manifest
        if r.state == "RELEASED":
            out.send(0, r.unmask)
            return
        body = env.body()
        raise_unless(body["statement"] == r.statement, "result-mismatch", [0])
        check_quorum(m, r.U2, r.statement, body["acknowledgements"])
        gone = [u for u in r.U1 if u not in r.U2]
        ahead = None
        if r.body["prefetch"]:
            ahead = self.make_prefetch(out)
        off = removed_layers(r.layers, len(r.U2))
        tag = sum(r.layer_tags[k] for k in off) + layer_pad(r.alpha, me)
        reply = r.unmask = self.write("Unmask", r.number, dict(
            selfSecret=b32(r.deal.b), selfShares=[dict(owner=j, share=b32(r.b_shares[j])) for j in r.U2 if j != me],
            maskShares=[dict(owner=j, share=b32(r.K_shares[j])) for j in gone], prefetch=ahead,
            layerSeeds=[r.layer_seeds[k] for k in off], layerTag=tag % PRIME if off else 0))
        r.layer_seeds = r.layer_tags = None
        query = r.body["queryDigest"]
        self.journal.add(
            7, r.number, statement=r.statement, queryDigest=query, members=r.U2, request=env.identity, reply=reply)
        self.released.append((query, r.U2))
        r.state = "RELEASED"
        self.reply(out, env.identity, reply)

    def make_prefetch(self, out):
        r, me = self.round, self.index
        number = r.number + 1
        ahead = Deal(self.manifest.t, r.U2, me, self.draw, "prefetch%d" % number)
        aad = self.manifest.prefetch_digest(self.epoch, number)
        keys = {j: H("wss1.next", key=self.keys[j]) for j in ahead.peers}
        self.prefetch = dict(round=number, deal=ahead)
        out.values.update({"prefetch." + k: v for k, v in ahead.values().items()})
        return dict(
            selfCommitment=ahead.self_commitment, maskCommitment=ahead.mask_commitment,
            parcels=[dict(recipient=j, parcel=ahead.parcel(me, j, keys[j], aad)) for j in ahead.peers],
            recovery=ahead.recovery({j: H("wss1.mask", key=keys[j]) for j in ahead.peers}, aad))

    def on_Result(self, out, env, payload):
        p, m = self.pending, self.manifest
        mine = self.round is not None and self.phase == "KEYED"
        try:
            body, data = env.body(), payload or b""
            raise_unless(len(data) == p["length"] * p["width"] // 8, "vector-length", [0])
            U1, U2 = body["shareMembers"], body["members"]
            found = check_layers(body, p["layers"]) if U1 == p["members"] else []
            stated = statement(p["transcript"], U1, U2, body["listDigest"], stated_commitments(p["transcript"], found))
            fits = (U1 == p["members"] and set(U2) <= set(U1)
                    and (body["ringWidth"], body["vectorLength"]) == (p["width"], p["length"]))
            raise_unless(fits and p["statement"] in (None, stated), "result-mismatch", [0])
            check_quorum(m, U2, stated, body["acknowledgements"])
            made = result_digest(p["transcript"], U1, U2, body["listDigest"], body["sumDigest"], body["tag"], body["layers"],
                                 body["layerTag"])
            right = body["sumDigest"] == H("wss1.vector", data) and body["resultDigest"] == made
            raise_unless(right, "result-mismatch", [0])
            total = from_bytes(data, p["width"])
            true = signed(total[0], p["width"]) == len(U2) and self.has_its_tag(p, total, body, found)
            raise_unless(true, "sum-rejected", [0])
        except Fault as fault:
            if mine:
                raise
            out.refuse(fault)  # outside KEYED there is no round to leave; a false sum halts all the same
            self.halted = fault.name == "sum-rejected"
            if self.halted:
                self.journal.add(9, p["round"], code=CODES[fault.name], named=[0])
            return
        self.journal.add(8, p["round"], resultDigest=made)
        self.accepted, self.pending, self.replies = (p["round"], made), None, {env.identity: None}
        out.values["R"] = made
        out.values["sum"] = [str(signed(v, p["width"])) for v in total[1:]]
        if mine:
            self.advance(self.round.number + 1)
            self.round = Round()
            self.round.number, self.round.state = p["round"], "DONE"
            self.used = U2
            self.expected, self.answer_values, self.answer_seeds = None, None, []

    def has_its_tag(self, p, total, body, found):
        """By the sites' own tags of the noise that is off; where these do not fit, by drawing it again."""
        gone = {i for i, _, record in found if record["removed"]}
        pads = sum(layer_pad(p["alpha"], i) for i in gone)
        given = body["layerTag"] if gone else 0
        if (sum_tag(p["alpha"], total, p["width"]) + given - pads) % PRIME == body["tag"]:
            return True
        off = [0] + removed_noise(found, p["layers"], len(total) - 1)
        whole = [(a + b) % 2 ** p["width"] for a, b in zip(total, off)]
        return sum_tag(p["alpha"], whole, p["width"]) == body["tag"]

    def on_Abort(self, out, env, payload):
        body = env.body()
        if env.round == 0:
            if self.phase in ("OFFERED", "CONFIRMING"):
                self.phase, self.keys = "UNKEYED", {}
        elif self.phase == "KEYED" and self.round and self.round.state in ACTIVE + ("RELEASED",):
            fault = Fault(NAMES.get(body["code"], "stopped"), body["named"])
            self.leave_round(out, fault, send=False)
