#!/usr/bin/env python3
"""Random rounds, every dropout pattern of small n, error correction, wrong sums. Prints the seed of what fails."""

import itertools
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import noise  # noqa: E402
import shamir  # noqa: E402
from codec import ORDER  # noqa: E402
from faults import Fault  # noqa: E402
from messages import BODIES, Envelope, KINDS  # noqa: E402
from network import Network, drawn  # noqa: E402
from primitives import H, b32, set_hash, sum_tag, to_bytes, words  # noqa: E402

KINDS_OF_SITES = ("Shares", "Masked", "Unmask")
KINDS_IN_ORDER = ("KeyOffer", "KeyConfirm", "Shares", "Masked", "Ack", "Unmask", "Abort", "never")


def quiet(n, seed, **changes):
    """A network that keeps no vector steps: only the machines matter here."""
    net = Network(n, seed, **changes)
    net.finish = lambda step, who, outcome: (
        net.queue.extend((who, to, data, payload) for to, data, payload in outcome.sends) or setattr(net, "last", outcome) or outcome)
    net.refer = lambda data, payload: {}
    return net


def play(net, values, mode, query, width, lost, prefetch):
    """One round with the pattern `lost` {site: kind it does not send}; the aggregator's deadline runs when nothing moves."""
    sites = {i: values[i] for i in net.aggregator.active}
    net.lost = lambda s, r, k: lost.get(s) == k and r == 0
    net.begin(sites, mode=mode, width=width, query=query, prefetch=prefetch)
    net.run()
    for _ in range(4):
        if net.aggregator.state in ("PUBLISHED", "FAILED"):
            break
        net.deadline(0)
        net.run()
    return net.aggregator.state


def expected(net, values, lost, start):
    m = net.manifest
    present = [i for i in start if lost.get(i) not in ("Shares",)]
    if len(present) < m.quorum:
        return None
    adding = [i for i in present if lost.get(i) != "Masked"]
    if len(adding) < m.quorum or len([i for i in adding if lost.get(i) != "Unmask"]) < m.t:
        return None
    return adding


def check_round(net, values, lost, start, width, label):
    adding = expected(net, values, lost, start)
    if adding is None:
        assert net.aggregator.state == "FAILED", (label, lost)
        return
    assert net.aggregator.state == "PUBLISHED", (label, lost, net.last.fault, net.last.named)
    total = [1 * len(adding)] + [sum(values[i][k] for i in adding) for k in range(len(values[1]))]
    assert net.aggregator.transcript[-1]["sum"] == to_bytes(total, width), (label, lost)
    for i in start:
        if lost.get(i) != "Shares":
            assert net.sites[i].state == "DONE" and net.sites[i].accepted == net.aggregator.accepted, (label, lost, i)


def patterns(n):
    """Every assignment of at most n - t + 1 dropouts to steps."""
    limit = n - (2 * n // 3 + 1) + 1
    for count in range(limit + 1):
        for who in itertools.combinations(range(1, n + 1), count):
            for what in itertools.product(KINDS_OF_SITES, repeat=count):
                yield dict(zip(who, what))


def dropout_patterns():
    done = 0
    for n in (3, 4, 5):
        for fast in (False, True):
            for lost in patterns(n):
                if fast and "Shares" in lost.values():
                    continue
                rng = random.Random("%d %s %s" % (n, fast, lost))
                net = quiet(n, b"selftest" + bytes([n]))
                net.setup()
                values = {i: [rng.randrange(-(2**26), 2**26) for _ in range(4)] for i in range(1, n + 1)}
                if fast:
                    play(net, values, "normal", H("q0"), 32, {}, True)
                start = list(net.aggregator.active)
                play(net, values, "fast" if fast else "normal", H("q1"), 32, lost, False)
                check_round(net, values, lost, start, 32, "n=%d fast=%s" % (n, fast))
                done += 1
    return "%d dropout patterns" % done


def random_studies(count, seed):
    rounds = 0
    for trial in range(count):
        label = "seed %d trial %d" % (seed, trial)
        rng = random.Random(label)
        n = rng.choice([3, 4, 5, 6, 7, 9])
        net = quiet(n, label.encode(), maximumColluders=rng.choice([0, 1]))
        net.setup()
        query = 0
        for _ in range(rng.randrange(2, 6)):
            width = rng.choice([32, 64])
            top = 2 ** (width - 6)
            values = {i: [rng.randrange(-top, top) for _ in range(rng.randrange(1, 2) + 3)] for i in range(1, n + 1)}
            start, query = list(net.aggregator.active), query + 1
            if len(start) < net.manifest.quorum or rng.random() < 0.2:
                net.lost = lambda s, r, k: False
                if rng.random() < 0.5:
                    net.restart(rng.randrange(0, n + 1))
                net.queue = []
                net.setup()
                start = list(net.aggregator.active)
                assert [net.sites[i].state for i in start] == ["IDLE"] * len(start) and len(start) == n, label
            number = net.aggregator.highest + 1
            ready = all(net.aggregator.prefetched.get(i, (0,))[0] == number for i in start)
            mode = "fast" if ready else "normal"
            lost = {i: rng.choice(KINDS_OF_SITES[1 if ready else 0 :]) for i in start if rng.random() < 0.12}
            play(net, values, mode, H("q%d" % query), width, lost, rng.random() < 0.7)
            check_round(net, values, lost, start, width, "%s round %d %s" % (label, number, mode))
            rounds += 1
    return "%d random rounds" % rounds


def noisy_rounds(count, seed):
    """Whoever is silent, the sum is that of the answers, the base and the layers that stay, and honest sites hold the variance."""
    for trial in range(count):
        label = "noise seed %d trial %d" % (seed, trial)
        rng = random.Random(label)
        n = rng.choice([4, 5, 7, 9, 10])
        net = quiet(n, label.encode())
        net.setup()
        t, width, variance = net.manifest.t, rng.choice([32, 64]), rng.randrange(2000, 10**6)
        plan = noise.schedule(n, 1, t, variance, 4)
        values = {i: [rng.randrange(-(2**20), 2**20) for _ in range(4)] for i in range(1, n + 1)}
        lost = {i: rng.choice(("Shares", "Masked", "Ack", "Unmask")) for i in rng.sample(range(1, n + 1), rng.randrange(0, n - t + 1))}
        net.lost = lambda s, r, k: r == 0 and KINDS_IN_ORDER.index(k) >= KINDS_IN_ORDER.index(lost.get(s, "never"))
        net.begin(values, width=width, layers=plan[1])
        net.run()
        for _ in range(5):
            if net.aggregator.state in ("PUBLISHED", "FAILED"):
                break
            net.deadline(0)
            net.run()
        assert net.aggregator.state == "PUBLISHED", (label, lost)
        adding = [i for i in range(1, n + 1) if lost.get(i) not in ("Shares", "Masked")]
        total, held = [len(adding)] + [0] * 4, []
        for i in adding:
            total[1:] = [a + b for a, b in zip(total[1:], values[i])]
            kept = plan[0]
            for k, (limit, part) in enumerate(plan[1]):
                if len(adding) <= limit or i in lost:
                    draws = noise.draws("discrete-gaussian", part, drawn(net.seed, i, "layer", 0, k)(32), 4)
                    total[1:] = [a + b for a, b in zip(total[1:], draws)]
                    kept += part
            held.append(kept)
        assert net.aggregator.transcript[-1]["sum"] == to_bytes(total, width), (label, lost)
        assert sum(sorted(held)[:-1]) >= variance, (label, lost)
        for i in adding:
            if i not in lost:
                assert net.sites[i].state == "DONE", (label, lost, i)
    return "%d rounds with layers of noise" % count


def cancellation():
    """Pair masks alone: they cancel for every n and width, and what a dropped site leaves is what its seeds say."""
    for n in range(2, 13):
        members = list(range(1, n + 1))
        seeds = {(a, b): H("pair", bytes([a, b])) for a in members for b in members if a < b}
        for width in (32, 64):
            total = [0] * 6
            for i in members:
                for j in members:
                    if i != j:
                        key = H("wss1.pair", seeds[min(i, j), max(i, j)], set_hash(members))
                        sign = 1 if i < j else -1
                        total = [(a + sign * w) % 2**width for a, w in zip(total, words(key, width, 6))]
            assert total == [0] * 6
    return "masks cancel for n = 2..12"


def error_correction(seed):
    rng = random.Random(seed)
    for trial in range(60):
        t, m = rng.randrange(1, 7), 0
        m = t + rng.randrange(0, 7)
        secret = rng.randrange(ORDER)
        shares = shamir.deal(secret, [rng.randrange(ORDER) for _ in range(t - 1)], rng.sample(range(1, 30), m))
        errors = rng.randrange(0, (m - t) // 2 + 1)
        wrong = sorted(rng.sample(sorted(shares), errors))
        for i in wrong:
            shares[i] = (shares[i] + rng.randrange(1, ORDER)) % ORDER
        found, named = shamir.recover(shares, t, lambda v: v == secret)
        assert (found, named) == (secret, wrong), (seed, trial)
    return "60 error corrections"


def tags(seed):
    rng = random.Random(seed)
    for trial in range(200):
        width = rng.choice([32, 64])
        key, x = rng.randbytes(32), [3] + [rng.randrange(2**width) for _ in range(8)]
        tag = sum_tag(key, x, width)
        other = list(x)
        other[rng.randrange(9)] ^= 1 << rng.randrange(width)
        assert sum_tag(key, other, width) != tag, (seed, trial)
    return "200 tags with one bit changed"


def no_key_twice():
    """Collects every AES key of a study with many rounds; none occurs twice."""
    keys = []
    import site_role

    original = site_role.words
    site_role.words = lambda key, width, count: keys.append(key) or original(key, width, count)
    try:
        net = quiet(4, b"keys")
        net.setup()
        for r in range(40):
            play(net, {i: [r, i] for i in range(1, 5)}, "fast" if r else "normal", H("q%d" % r), 32, {}, True)
            assert net.aggregator.state == "PUBLISHED"
    finally:
        site_role.words = original
    # every pair key is used by exactly its two sites, every self key once
    counts = {k: keys.count(k) for k in set(keys)}
    assert sorted(counts.values()) == [1] * (40 * 4) + [2] * (40 * 6)
    return "%d masks over 40 rounds: no key twice" % len(keys)


def random_bytes(count, seed):
    """Mutated and random messages never raise anything but a Fault, and never move a machine that refuses them."""
    rng = random.Random(seed)
    net = quiet(3, b"bytes")
    seen = []
    deliver = net.deliver
    net.deliver = lambda s, r, d, p=None, note=None: seen.append((s, r, d)) or deliver(s, r, d, p, note)
    net.setup()
    play(net, {i: [i, 2, 3] for i in (1, 2, 3)}, "normal", H("q"), 32, {}, True)
    for trial in range(count):
        sender, receiver, data = rng.choice(seen)
        changed = bytearray(data if rng.random() < 0.9 else rng.randbytes(rng.randrange(300)))
        for _ in range(rng.randrange(1, 4)):
            if changed and rng.random() < 0.7:
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            elif changed:
                del changed[rng.randrange(len(changed)) :]
        before = net.party(receiver).state
        outcome = net.party(receiver).deliver(sender, bytes(changed))
        assert outcome.fault and net.party(receiver).state == before or bytes(changed) == data, (seed, trial)
        kind = rng.choice(sorted(KINDS.values()))
        body = bytearray(rng.choice(seen)[2][57:-64])
        if body:
            body[rng.randrange(len(body))] = rng.randrange(256)
        try:
            from codec import decode, encode

            value = decode(BODIES[kind][1], bytes(body))
            assert encode(BODIES[kind][1], value) == bytes(body), (seed, trial)
        except Fault:
            pass
    return "%d mutated messages" % count


def main():
    for step in (cancellation, dropout_patterns, lambda: random_studies(60, 1), lambda: noisy_rounds(60, 5), lambda: error_correction(2), lambda: tags(3),
                 no_key_twice, lambda: random_bytes(3000, 4)):
        print(step(), flush=True)


if __name__ == "__main__":
    main()
