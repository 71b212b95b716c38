"""The aggregator's side of the protocol (specification sections 6, 7, 9, 13)."""

from codec import PRIME, decode
from faults import CODES, NAMES, Fault
from machine import Machine, Outcome, raise_unless
from messages import (
    BODIES, Envelope, layer_commitment, list_digest, removed_layers, removed_noise, result_digest, statement,
)
from primitives import (
    H, b32, from_bytes, le16, set_hash, signed, tag_mask, to_bytes, unseal, verifies, words,
)
from shamir import recover

STOPPING = {
    "seed-mismatch", "share-unreadable", "query-mismatch", "set-invalid", "set-change", "second-statement", "too-few",
    "result-mismatch", "sum-rejected"}
STAGES = {"Shares": "SHARES", "Masked": "MASKED", "Ack": "ACKS", "Unmask": "UNMASK"}


class Aggregator(Machine):
    def __init__(self, seed, manifest):
        super().__init__(0, seed, manifest)
        self.epoch, self.highest = manifest.fields["firstEpoch"] - 1, 0
        self.transcript, self.attestations = [], {}
        self.forget()

    def forget(self):
        """What a restart loses."""
        self.state, self.members, self.active, self.prefetched = "UNKEYED", [], [], {}
        self.inbox, self.dropped, self.accused, self.base = {}, {}, {}, None

    @property
    def accepted(self):
        return (self.transcript[-1]["round"], self.transcript[-1]["digest"]) if self.transcript else (0, self.genesis)

    # ---- commands --------------------------------------------------------------------------------------

    def open_epoch(self, members):
        out = Outcome()
        if len(members) < self.manifest.quorum or (not self.epoch_opened and members != self.manifest.roster):
            out.refuse(Fault("too-few", [i for i in self.manifest.roster if i not in members]))
            return out
        self.epoch += 1
        self.state, self.members, self.active, self.prefetched = "OFFERS", sorted(members), sorted(members), {}
        self.inbox, self.dropped, self.base = {}, {}, self.highest
        number, digest = self.accepted
        self.opening = self.write("EpochOpen", 0, dict(
            members=self.members, baseRound=self.base, acceptedRound=number, acceptedDigest=digest))
        for i in self.members:
            out.send(i, self.opening)
        return out

    @property
    def epoch_opened(self):
        return self.epoch >= self.manifest.fields["firstEpoch"]

    def open_round(self, mode, ringWidth, vectorLength, prefetch, purposeTag, queryDigest, members=None, layers=None):
        out, m = Outcome(), self.manifest
        chosen = sorted(members or self.active)
        number = self.highest + 1
        try:
            raise_unless(self.state in ("IDLE", "PUBLISHED", "FAILED"), "unexpected-message", [])
            raise_unless(set(chosen) <= set(self.active), "set-invalid", [])
            absent = [i for i in self.members if i not in chosen]
            raise_unless(len(chosen) >= m.quorum, "too-few", absent)
            fast = mode == "fast"
            without = [i for i in chosen if self.prefetched.get(i, (0,))[0] != number]
            raise_unless(not fast or not without, "prefetch-missing", without)
            raise_unless(
                number <= m.fields["roundLimit"] and number - self.base <= m.fields["epochRoundLimit"], "round-limit", [])
        except Fault as fault:
            out.refuse(fault)
            return out
        self.highest = self.number = number
        self.fast, self.width, self.length, self.layers = fast, ringWidth, vectorLength, layers or []
        self.U0, self.U1, self.U2 = chosen, None, None
        self.inbox, self.dropped, self.accused = {k: {} for k in STAGES}, {}, {}
        body = dict(
            mode=int(fast), ringWidth=ringWidth, vectorLength=vectorLength, prefetch=prefetch, purposeTag=purposeTag,
            queryDigest=queryDigest, previousDigest=self.accepted[1], members=chosen,
            layers=self.layers)
        opening = self.write("RoundOpen", number, body)
        self.opened_body = opening[57:-64]
        self.T = out.values["T"] = m.round_digest(self.epoch, number, self.opened_body)
        self.aad = m.prefetch_digest(self.epoch, number) if fast else self.T
        self.state = "SHARES"
        for i in chosen:
            out.send(i, opening)
        if fast:
            self.deals = {i: self.prefetched[i][1] for i in chosen}
            self.lock1(out, chosen)
        self.prefetched = {}
        return out

    def resend_result(self):
        """After a restart: the last Result once more, to the sites that may have missed it."""
        out = Outcome()
        if self.transcript:
            last = self.transcript[-1]
            for i in last["result"]["shareMembers"]:
                out.send(i, self.write("Result", last["round"], last["result"], epoch=last["epoch"]), last["sum"])
        return out

    def restart(self):
        """The transcript, the epoch number and the highest round number are durable; nothing else is."""
        self.forget()
        return Outcome()

    def deadline(self):
        out = Outcome()
        waiting = self.waiting()
        if not waiting:
            return out
        if self.state in ("OFFERS", "CONFIRMS"):
            self.fail_epoch(out, Fault("timeout", waiting))
            return out
        for i in waiting:
            self.drop(out, i, "timeout")
        self.step(out)
        return out

    def waiting(self):
        if self.state in ("OFFERS", "CONFIRMS"):
            return [i for i in self.members if i not in self.inbox]
        expected = {"SHARES": self.U0, "MASKED": self.U1, "ACKS": self.U2, "UNMASK": self.U2} if self.members and \
            self.state in STAGES.values() else {}
        kind = next((k for k, s in STAGES.items() if s == self.state), None)
        return [i for i in expected.get(self.state, []) if i not in self.inbox[kind] and i not in self.dropped]

    # ---- messages --------------------------------------------------------------------------------------

    def deliver(self, peer, data, payload=None):
        out = Outcome()
        try:
            env = Envelope(data, self.manifest, 0, peer)
            if self.repeated(env):
                return out
            self.admit(env)
        except Fault as fault:
            out.refuse(fault)
            return out
        if env.kind in ("KeyOffer", "KeyConfirm"):
            self.on_key(out, env)
        elif env.kind == "Abort":
            self.on_abort(out, env)
        else:
            try:
                getattr(self, "on_" + env.kind)(out, env, env.body(), payload or b"")
                self.inbox[env.kind][peer]["identity"] = env.identity
            except Fault as fault:
                self.drop(out, peer, fault.name)
            self.step(out)
        return out

    def repeated(self, env):
        if self.state in ("OFFERS", "CONFIRMS"):
            return self.inbox.get(env.sender, {}).get("identity") == env.identity
        return self.inbox.get(env.kind, {}).get(env.sender, {}).get("identity") == env.identity

    def admit(self, env):
        who = [env.sender]
        raise_unless(env.epoch == self.epoch, "wrong-epoch", who)
        if env.kind in ("KeyOffer", "KeyConfirm"):
            raise_unless(env.round == 0, "wrong-round", who)
            wanted = "OFFERS" if env.kind == "KeyOffer" else "CONFIRMS"
            raise_unless(self.state == wanted and env.sender in self.members, "unexpected-message", who)
            raise_unless(env.sender not in self.inbox, "second-statement", who)
        elif env.kind == "Abort" and env.round == 0:
            raise_unless(self.state in ("OFFERS", "CONFIRMS", "IDLE") and env.sender in self.members, "unexpected-message", who)
        else:
            on = self.state in STAGES.values() or self.state in ("PUBLISHED", "FAILED")
            raise_unless(on and env.round == self.number, "wrong-round", who)
            if env.kind == "Abort":
                raise_unless(env.sender in self.U0, "unexpected-message", who)
                return
            raise_unless(env.sender not in self.inbox[env.kind], "second-statement", who)
            raise_unless(
                self.state == STAGES[env.kind] and env.sender in self.waiting(), "unexpected-message", who)

    def attest(self, attestation, sender):
        """Keeps a site's signature on the last accepted result; faults when it is another one."""
        expected = None if self.accepted[0] == 0 else self.accepted
        if (attestation is None) != (expected is None):
            raise Fault("chain-mismatch", [sender])
        if attestation:
            self.keep(attestation, sender)
            raise_unless((attestation["round"], attestation["digest"]) == expected, "chain-mismatch", [sender])

    def keep(self, a, sender):
        raise_unless(
            verifies(self.manifest.keys[sender], a["signature"], self.manifest.attested(a["round"], a["digest"])),
            "signature-invalid", [sender])
        self.attestations.setdefault((a["round"], a["digest"]), {})[sender] = a["signature"]

    def on_key(self, out, env):
        try:
            body = env.body()
            if env.kind == "KeyOffer":
                self.keep(body["accepted"], env.sender)
            self.inbox[env.sender] = dict(identity=env.identity, data=env.bytes, body=body)
        except Fault as fault:
            out.dropped.append((env.sender, fault.name))
            self.fail_epoch(out, Fault(fault.name, [env.sender]))
            return
        if self.waiting():
            return
        if env.kind == "KeyOffer":
            self.key_set(out)
        else:
            same = {self.inbox[i]["body"]["offersDigest"] for i in self.members}
            confirmations = [self.inbox[i]["data"] for i in self.members]
            if same != {self.offers_digest}:
                differ = [i for i in self.members if self.inbox[i]["body"]["offersDigest"] != self.offers_digest]
                self.fail_epoch(out, Fault("keys-unconfirmed", differ))
                return
            self.state, self.inbox = "IDLE", {}
            for i in self.members:
                out.send(i, self.write("ConfirmSet", 0, dict(confirmations=confirmations)))

    def key_set(self, out):
        offers = [self.inbox[i]["data"] for i in self.members]
        bodies = {i: self.inbox[i]["body"] for i in self.members}
        last = max(b["lastRound"] for b in bodies.values())
        impossible = [i for i, b in bodies.items() if b["lastRound"] > self.manifest.fields["roundLimit"]]
        if impossible:
            self.fail_epoch(out, Fault("round-limit", impossible))
            return
        if last > self.base:
            self.highest = last
            self.fail_epoch(out, Fault("round-replayed", []))
            return
        number, digest = self.accepted
        foreign = [i for i, b in bodies.items() if b["accepted"]["round"] >= number
                   and (b["accepted"]["round"], b["accepted"]["digest"]) != (number, digest)]
        if foreign:
            self.fail_epoch(out, Fault("chain-mismatch", foreign))
            return
        self.offers_digest = H("wss1.offers", self.opening, *offers)
        self.state, self.inbox = "CONFIRMS", {}
        for i in self.members:
            out.send(i, self.write("KeySet", 0, dict(offers=offers)))
            behind = bodies[i]["accepted"]["round"]
            if behind < number:
                out.send(i, *self.catch_up(behind))

    def catch_up(self, behind):
        missed = [e for e in self.transcript if e["round"] > behind]
        proofs = self.attestations.get(self.accepted, {})
        body = dict(
            entries=[dict(epoch=e["epoch"], round=e["round"], roundOpenBody=e["opened"],
                          resultBody=BODIES["Result"][1].put(e["result"])) for e in missed],
            attestations=[dict(index=i, signature=proofs[i]) for i in sorted(proofs)])
        return self.write("CatchUp", 0, body), b"".join(e["sum"] for e in missed)

    def fail_epoch(self, out, fault):
        out.refuse(fault)
        self.state, self.inbox = "UNKEYED", {}
        for i in self.members:
            out.send(i, self.abort_message(0, fault))

    # ---- round -----------------------------------------------------------------------------------------

    def drop(self, out, i, name):
        if i not in self.dropped:
            self.dropped[i] = name
            self.active = [j for j in self.active if j != i]
            out.dropped.append((i, name))

    def fail(self, out, fault):
        out.refuse(fault)
        self.state, self.prefetched = "FAILED", {}
        for i in self.U0:
            out.send(i, self.abort_message(self.number, fault))

    def on_abort(self, out, env):
        try:
            body = env.body()
        except Fault as fault:
            out.refuse(fault)
            return
        name = NAMES.get(body["code"], "stopped")
        if env.round == 0:
            self.fail_epoch(out, Fault(name, set(body["named"]) | {env.sender}))
            return
        self.accused[env.sender] = (name, body["named"])
        running = self.state in STAGES.values()
        if name == "sum-rejected" and self.state == "PUBLISHED" or running and name in STOPPING:
            self.drop(out, env.sender, name)
            self.fail(out, Fault(name, set(body["named"]) | {env.sender}))
        elif running:
            self.drop(out, env.sender, name)
            self.step(out)
        else:
            self.drop(out, env.sender, name)

    def recovery_length(self, count):
        return 40 + 34 * count

    def on_Shares(self, out, env, body, payload):
        i = env.sender
        peers = [j for j in self.U0 if j != i]
        raise_unless([p["recipient"] for p in body["parcels"]] == peers, "set-invalid", [i])
        raise_unless(len(body["recovery"]) == self.recovery_length(len(peers)), "set-invalid", [i])
        self.attest(body["attestation"], i)
        self.inbox["Shares"][i] = dict(body=body)

    def on_Masked(self, out, env, body, payload):
        i = env.sender
        raise_unless((body["ringWidth"], body["vectorLength"]) == (self.width, self.length), "vector-length", [i])
        raise_unless(len(payload) == self.length * self.width // 8, "vector-length", [i])
        raise_unless(H("wss1.vector", payload) == body["vectorDigest"], "vector-digest", [i])
        wanted = [j for j in self.U1 if j != i] if self.fast else []
        raise_unless([c["peer"] for c in body["checks"]] == wanted, "set-invalid", [i])
        raise_unless(len(body["commitments"]) == len(self.layers), "set-invalid", [i])
        if self.fast:
            self.attest(body["attestation"], i)
        else:
            raise_unless(body["attestation"] is None, "set-invalid", [i])
        self.inbox["Masked"][i] = dict(body=body, y=from_bytes(payload, self.width))

    def on_Ack(self, out, env, body, payload):
        i = env.sender
        raise_unless(verifies(self.manifest.keys[i], body["signature"], body["statement"]), "ack-invalid", [i])
        raise_unless(body["statement"] == self.stated, "result-mismatch", [i])
        self.inbox["Ack"][i] = dict(body=body)

    def on_Unmask(self, out, env, body, payload):
        i = env.sender
        gone = [u for u in self.U1 if u not in self.U2]
        peers = [j for j in self.U2 if j != i]
        raise_unless([s["owner"] for s in body["selfShares"]] == peers, "set-invalid", [i])
        raise_unless([s["owner"] for s in body["maskShares"]] == gone, "set-invalid", [i])
        raise_unless(len(body["layerSeeds"]) == len(removed_layers(self.layers, len(self.U2))), "set-invalid", [i])
        ahead = body["prefetch"]
        if ahead:
            asked = decode(BODIES["RoundOpen"][1], self.opened_body)["prefetch"]
            fits = [p["recipient"] for p in ahead["parcels"]] == peers
            raise_unless(asked and fits and len(ahead["recovery"]) == self.recovery_length(len(peers)), "set-invalid", [i])
        self.inbox["Unmask"][i] = dict(body=body)

    def step(self, out):
        """Moves on when nobody is waited for any more."""
        while self.state in STAGES.values() and not self.waiting():
            before = self.state
            getattr(self, "after_" + before)(out)
            if self.state == before:
                return

    def lock1(self, out, members):
        self.U1, self.state = members, "MASKED"
        for i in members:
            parcels = []
            for j in members:
                if j != i:
                    part = next(p for p in self.deals[j]["parcels"] if p["recipient"] == i)
                    parcels.append(dict(sender=j, parcel=part["parcel"], check=part.get("check")))
            out.send(i, self.write("Lock1", self.number, dict(members=members, parcels=parcels)))

    def missing(self, present):
        return [i for i in self.U0 if i not in present]

    def after_SHARES(self, out):
        senders = sorted(i for i in self.inbox["Shares"] if i not in self.dropped)
        if len(senders) < self.manifest.quorum:
            return self.fail(out, Fault("too-few", self.missing(senders)))
        self.deals = {i: self.inbox["Shares"][i]["body"] for i in senders}
        self.lock1(out, senders)

    def after_MASKED(self, out):
        senders = sorted(self.inbox["Masked"])
        if len(senders) < self.manifest.quorum:
            return self.fail(out, Fault("too-few", self.missing(senders)))
        self.U2, self.state = senders, "ACKS"
        masked = {i: self.inbox["Masked"][i]["body"] for i in senders}
        digests = [masked[i]["vectorDigest"] for i in senders]
        self.listed = list_digest(senders, digests)
        commitments = [c for i in senders for c in masked[i]["commitments"]]
        self.stated = out.values["statement"] = statement(self.T, self.U1, senders, self.listed, commitments)
        for i in senders:
            checks = []
            if self.fast:
                checks = [dict(sender=j, check=next(c["check"] for c in masked[j]["checks"] if c["peer"] == i))
                          for j in senders if j != i]
            out.send(i, self.write("Lock2", self.number, dict(
                members=senders, vectorDigests=digests, checks=checks, commitments=commitments)))

    def after_ACKS(self, out):
        acks = self.inbox["Ack"]
        if len(acks) < self.manifest.t:
            return self.fail(out, Fault("quorum-missing", [i for i in self.U2 if i not in acks]))
        self.acks = [dict(index=i, signature=acks[i]["body"]["signature"]) for i in sorted(acks)]
        self.state = "UNMASK"
        for i in (i for i in self.U2 if i not in self.dropped):
            out.send(i, self.write("AckSet", self.number, dict(statement=self.stated, acknowledgements=self.acks)))

    def after_UNMASK(self, out):
        bodies = {i: self.inbox["Unmask"][i]["body"] for i in sorted(self.inbox["Unmask"])}
        if len(bodies) < self.manifest.t:
            return self.fail(out, Fault("quorum-missing", [i for i in self.U2 if i not in bodies]))
        try:
            total, tag = self.open(out, bodies)
        except Fault as fault:
            return self.fail(out, fault)
        if signed(total[0], self.width) != len(self.U2):
            return self.fail(out, Fault("sum-rejected", []))
        found = self.remove_noise(out, bodies)
        off = [0] + removed_noise(found, self.layers, self.length - 1)
        total = [(a - b) % 2**self.width for a, b in zip(total, off)]
        records = [record for _, _, record in found]
        data = out.values["S"] = to_bytes(total, self.width)
        sum_digest = H("wss1.vector", data)
        layer_tag = sum(bodies[i]["layerTag"] for i in sorted({i for i, _, r in found if r["removed"]})) % PRIME
        digest = result_digest(self.T, self.U1, self.U2, self.listed, sum_digest, tag, records, layer_tag)
        body = dict(
            sumDigest=sum_digest, vectorLength=self.length, ringWidth=self.width, tag=tag, shareMembers=self.U1,
            members=self.U2, listDigest=self.listed, acknowledgements=self.acks, resultDigest=digest,
            layers=records, layerTag=layer_tag)
        self.transcript.append(dict(
            epoch=self.epoch, round=self.number, opened=self.opened_body, result=body, sum=data, digest=digest))
        self.prefetched = {i: (self.number + 1, b["prefetch"]) for i, b in bodies.items() if b["prefetch"]}
        self.active = [i for i in self.U2 if i not in self.dropped]
        self.state = "PUBLISHED"
        out.values["R"] = digest
        result = self.write("Result", self.number, body)
        for i in self.U1:
            out.send(i, result, data)

    def remove_noise(self, out, bodies):
        """(site, layer, record of Result) for all of U2: seeds that fit their commitments, commitments where noise stays in."""
        gone = removed_layers(self.layers, len(self.U2))
        blamed = {b["site"]: b["fault"] for b in out.values.get("blamed", [])}
        records = []
        for i in self.U2:
            seeds = bodies[i]["layerSeeds"] if i in bodies and blamed.get(i) != "secret-corrupt" else []
            offered = dict(zip(gone, seeds))
            for k, commitment in enumerate(self.inbox["Masked"][i]["body"]["commitments"]):
                fits = k in offered and layer_commitment(self.T, i, k, offered[k]) == commitment
                if k in offered and not fits:
                    blamed.setdefault(i, "layer-corrupt")
                records.append((i, k, dict(removed=fits, value=offered[k] if fits else commitment)))
        if blamed:
            out.values["blamed"] = [dict(site=i, fault=blamed[i]) for i in sorted(blamed)]
        return records

    def open(self, out, bodies):
        """Section 6: the sum of U2 without masks, and its tag. Wrong shares and secrets are named, not believed."""
        width, blamed, liars = self.width, {}, set()
        for i, body in bodies.items():
            if H("wss1.cb", body["selfSecret"]) != self.deals[i]["selfCommitment"]:
                blamed[i] = "secret-corrupt"
                liars.add(i)

        def rebuild(owner, field, commitment, label):
            points = {i: int.from_bytes(s["share"], "little") for i, b in bodies.items() if i not in liars
                      for s in b[field] if s["owner"] == owner}
            raise_unless(len(points) >= self.manifest.t, "too-few", [i for i in self.U2 if i not in points])
            secret, wrong = recover(points, self.manifest.t, lambda v: H(label, b32(v)) == commitment)
            raise_unless(secret is not None, "unrecoverable", [owner])
            blamed.update({i: "share-corrupt" for i in wrong})
            return b32(secret)

        total, tag = [0] * self.length, 0
        for i in self.U2:
            masked = self.inbox["Masked"][i]
            if i in bodies and i not in liars:
                b = bodies[i]["selfSecret"]
            else:
                b = rebuild(i, "selfShares", self.deals[i]["selfCommitment"], "wss1.cb")
                out.values["rebuilt.b.%d" % i] = b
            key = H("wss1.self", b)
            mask = words(key, width, self.length)
            total = [(a + y - v) % 2**width for a, y, v in zip(total, masked["y"], mask)]
            tag = (tag + masked["body"]["tag"] - tag_mask(key)) % PRIME
        for u in (u for u in self.U1 if u not in self.U2):
            K = rebuild(u, "maskShares", self.deals[u]["maskCommitment"], "wss1.ck")
            out.values["rebuilt.K.%d" % u] = K
            plain = unseal(H("wss1.recovery", K), self.deals[u]["recovery"], self.aad)
            entries = {}
            if plain is not None:
                entries = {int.from_bytes(plain[k : k + 2], "little"): plain[k + 2 : k + 34]
                           for k in range(0, len(plain), 34)}
            raise_unless(all(j in entries for j in self.U2), "unrecoverable", [u])
            for j in self.U2:
                seed = H("wss1.seed", self.T, key=entries[j]) if self.fast else entries[j]
                key = H("wss1.pair", seed, set_hash(self.U1))
                factor = -1 if j < u else 1
                total = [(a + factor * v) % 2**width for a, v in zip(total, words(key, width, self.length))]
                tag = (tag + factor * tag_mask(key)) % PRIME
        if blamed:
            out.values["blamed"] = [dict(site=i, fault=blamed[i]) for i in sorted(blamed)]
        return total, tag
