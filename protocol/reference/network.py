"""A whole study in one process: machines, a queue, and a recorder that turns every event into a vector step."""

import hashlib

from aggregator_role import Aggregator
from machine import Outcome
from messages import KINDS, Manifest, manifest_body, sign_manifest
from primitives import H, public_key
from site_role import Site


def drawn(seed, *names):
    """64 bytes and fewer, named; the only randomness there is."""
    return lambda count: hashlib.shake_256(seed + "/".join(str(n) for n in names).encode()).digest(count)


class Network:
    """`lost(sender, receiver, kind)` decides which messages never arrive."""

    def __init__(self, n, seed, **changes):
        self.seed, self.n = seed, n
        self.seeds = {i: drawn(seed, "identity", i)(32) for i in range(n + 1)}
        self.draws, self.steps, self.names, self.messages, self.payloads = [], [], {}, {}, {}
        body = manifest_body([public_key(self.seeds[i]) for i in range(1, n + 1)], public_key(self.seeds[0]), **changes)
        self.manifest = Manifest(sign_manifest(body, [self.seeds[i] for i in range(1, n + 1)]))
        self.aggregator = Aggregator(self.seeds[0], self.manifest)
        self.sites = {i: self.make_site(i) for i in range(1, n + 1)}
        self.written = {i: 0 for i in self.sites}
        self.queue, self.lost, self.log = [], lambda sender, receiver, kind: False, []

    def make_site(self, i, journal=None):
        def draw(name, count):
            data = drawn(self.seed, i, name, len(self.draws))(count)
            self.draws.append(dict(party=i, name=name, hex=data.hex()))
            return data

        return Site(i, self.seeds[i], self.manifest, draw, journal)

    def party(self, i):
        return self.sites[i] if i else self.aggregator

    # ---- recording -------------------------------------------------------------------------------------

    def name_of(self, data, table, prefix):
        digest = hashlib.sha256(prefix.encode() + data).digest()
        if digest not in self.names:
            self.names[digest] = "%s%d" % (prefix, len(table) + 1)
            if prefix == "p":
                table[self.names[digest]] = data.hex()
            else:
                kind = KINDS.get(data[6], "?") if len(data) > 6 else "?"
                table[self.names[digest]] = dict(kind=kind, hex=data.hex())
        return self.names[digest]

    def refer(self, data, payload):
        out = dict(message=self.name_of(data, self.messages, "m"))
        if payload is not None:
            out["payload"] = self.name_of(payload, self.payloads, "p")
        return out

    def finish(self, step, who, outcome):
        expect = dict(verdict="fault" if outcome.fault else "ok")
        if outcome.fault:
            expect.update(fault=outcome.fault, named=list(outcome.named))
        if outcome.dropped:
            expect["dropped"] = [dict(site=i, fault=f) for i, f in outcome.dropped]
        expect["state"] = self.party(who).state
        expect["sends"] = [dict(to=to, **self.refer(data, payload)) for to, data, payload in outcome.sends]
        for name in ("sum", "blamed"):
            if name in outcome.values:
                expect[name] = outcome.values.pop(name)
        values = {k: v.hex() if isinstance(v, bytes) else v for k, v in sorted(outcome.values.items())}
        if values:
            expect["values"] = values
        if who and len(self.sites[who].journal.records) > self.written[who]:
            expect["journal"] = [r.hex() for r in self.sites[who].journal.records[self.written[who] :]]
            self.written[who] = len(self.sites[who].journal.records)
        step["expect"] = expect
        self.steps.append(step)
        self.queue += [(who, to, data, payload) for to, data, payload in outcome.sends]
        return outcome

    # ---- events ----------------------------------------------------------------------------------------

    def command(self, who, command, **inputs):
        machine = self.party(who)
        shown = {k: v.hex() if isinstance(v, bytes) else v for k, v in inputs.items() if v is not None}
        if "layers" in shown:
            shown["layers"] = [dict(limit=x["limit"], variance=str(x["variance"])) for x in shown["layers"]]
        if command == "answer":
            outcome = machine.answer(**inputs)
            shown["values"] = [str(v) for v in inputs["values"]]
            if "layerSeeds" in inputs:
                shown["layerSeeds"] = [seed.hex() for seed in inputs["layerSeeds"]]
        else:
            method = {"openEpoch": "open_epoch", "openRound": "open_round", "resendResult": "resend_result"}.get(command, command)
            outcome = getattr(machine, method)(**inputs)
        return self.finish(dict(op="command", party=who, command=command, **shown), who, outcome)

    def deliver(self, sender, receiver, data, payload=None, note=None):
        step = {"op": "deliver", "from": sender, "to": receiver, **self.refer(data, payload)}
        if note:
            step["note"] = note
        return self.finish(step, receiver, self.party(receiver).deliver(sender, data, payload))

    def deadline(self, who):
        return self.finish(dict(op="deadline", party=who), who, self.party(who).deadline())

    def restart(self, who):
        if who:
            self.sites[who] = self.make_site(who, self.sites[who].journal)
        else:
            self.aggregator.restart()
        return self.finish(dict(op="restart", party=who), who, Outcome())

    def take(self, kind=None, receiver=None, sender=None):
        """Removes and returns the queued messages that fit, as (sender, receiver, data, payload)."""
        fits = [q for q in self.queue
                if (kind is None or KINDS.get(q[2][6]) == kind) and receiver in (None, q[1]) and sender in (None, q[0])]
        self.queue = [q for q in self.queue if q not in fits]
        return fits

    def run(self, until=None):
        """Delivers what is queued, in order, until it is empty or a message of kind `until` stands in front."""
        while self.queue:
            sender, receiver, data, payload = self.queue[0]
            kind = KINDS[data[6]]
            if kind == until:
                return
            self.queue.pop(0)
            if not self.lost(sender, receiver, kind):
                self.deliver(sender, receiver, data, payload)

    # ---- scripts ---------------------------------------------------------------------------------------

    def setup(self, members=None):
        self.command(0, "openEpoch", members=members or self.manifest.roster)
        self.run()

    def begin(self, answers, mode="normal", width=32, prefetch=False, purpose="gradient", query=None, members=None, queries=None, layers=()):
        """`expect` and `answer` at the sites in `answers`, then openRound. Seeds of the noise of `layers` [(limit, variance)]
        are handed in with the answers."""
        length = len(next(iter(answers.values()))) + 1
        digest = query or H("example.query", b"newton step 1")
        common = dict(ringWidth=width, vectorLength=length, purposeTag=purpose)
        if layers:
            common["layers"] = [dict(limit=limit, variance=variance) for limit, variance in layers]
        for i, values in answers.items():
            self.command(i, "expect", queryDigest=(queries or {}).get(i, digest), **common)
            if not layers:
                self.command(i, "answer", values=values)
                continue
            seeds = [drawn(self.seed, i, "layer", self.aggregator.highest, k)(32) for k in range(len(layers))]
            self.command(i, "answer", values=values, layerSeeds=seeds)
        return self.command(0, "openRound", mode=mode, prefetch=prefetch, queryDigest=digest, members=members, **common)

    def file(self, name, about, **extra):
        if name.startswith("bad_"):  # intermediates and journals are in the good files
            for step in self.steps:
                step["expect"].pop("journal", None)
                step["expect"].pop("values", None)
        return dict(
            format="wss1-vectors/1", name=name, kind="session", about=about,
            inputs=dict(signedManifest=self.manifest.bytes.hex(), manifestDigest=self.manifest.digest.hex(),
                        identitySeeds={str(i): s.hex() for i, s in self.seeds.items()}, **extra),
            randomness=dict(seed=self.seed.hex(), draws=self.draws), messages=self.messages, payloads=self.payloads,
            steps=self.steps)
