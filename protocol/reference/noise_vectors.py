"""Vector files of the samplers, the split of noise, and clipping."""

from fractions import Fraction

import noise
from network import drawn

SEED = b"wardround vectors/noise"


def file(name, kind, about, steps):
    return {name: dict(format="wss1-noise/1", name=name, kind=kind, about=about, steps=steps)}


def samplers():
    out = {}
    steps = []
    for variance, count in ((1, 400), (2, 400), (3, 400), (16, 400), (100, 400), (4096, 400), (1000003, 300), (2**40 + 7, 300), (2**62, 200), (0, 5)):
        seed = drawn(SEED, "gaussian", variance)(32)
        values = noise.draws("discrete-gaussian", variance, seed, count)
        steps.append(dict(op="fill", variance=str(variance), seed=seed.hex(), expect=dict(values=[str(v) for v in values])))
    out |= file("discrete-gaussian", "sampler", "Discrete Gaussian draws from a seed", steps)
    steps = []
    for top, bottom, count in ((1, 1, 300), (5, 2, 300), (1, 3, 300), (2, 5, 300), (1000, 1, 300), (2**56, 3, 200), (2**56, 2**56 - 1, 100), (1, 2**62, 20)):
        seed = drawn(SEED, "laplace", top, bottom)(32)
        values = noise.draws("discrete-laplace", Fraction(top, bottom), seed, count)
        steps.append(dict(op="fill", numerator=str(top), denominator=str(bottom), seed=seed.hex(), expect=dict(values=[str(v) for v in values])))
    out |= file("discrete-laplace", "sampler", "Discrete Laplace draws from a seed", steps)
    steps = []
    for variance, count in ((1, 300), (2, 300), (3, 300), (16, 300), (100, 200), (1001, 100), (2**24, 2), (0, 5)):
        seed = drawn(SEED, "skellam", variance)(32)
        values = noise.draws("skellam", variance, seed, count)
        steps.append(dict(op="fill", variance=str(variance), seed=seed.hex(), expect=dict(values=[str(v) for v in values])))
    return out | file("skellam", "sampler", "Skellam draws from a seed", steps)


class Given:
    """Words that are given, not drawn, and then zeros."""

    def __init__(self, words):
        self.words, self.used = words, 0

    def next(self):
        self.used += 1
        return self.words[self.used - 1] if self.used <= len(self.words) else 0


def blocks():
    steps = []
    top = 2**64 - 1
    for variance in (1, 7, 255, 256, 1024, 10**6 + 3, 2**62):
        known = noise.blocks_of(variance)
        edges = []
        while not edges or edges[-1] < top:
            edges.append(known.digits(len(edges), 1))
        steps.append(dict(op="blocks", variance=str(variance), expect=dict(length=str(known.s), thresholds=[str(v) for v in edges])))
        for at in (0, 3, len(edges) - 2, len(edges) - 1):
            two, three = known.digits(at, 2) % 2**64, known.digits(at, 3) % 2**64
            for words in ([edges[at] - 1], [min(edges[at] + 1, top), 5, 5, 5, 5], [edges[at], two - 1 if two else 0, 0, 0, 0], [edges[at], (two + 1) % 2**64, 1, 1, 1],
                          [edges[at], two, three - 1 if three else 0, 0, 0], [edges[at], two, (three + 1) % 2**64, 9, 9]):
                stream = Given(words)
                found = known.next(stream)
                steps.append(dict(op="block", variance=str(variance), words=[str(v) for v in words], expect=dict(block=found, used=stream.used)))
    return file("gaussian-blocks", "sampler", "Blocks of the discrete Gaussian: thresholds, and words that fall on one", steps)


def schedules():
    steps = []
    cases = [(n, c, 2 * n // 3 + 1, variance, length) for n in (3, 4, 5, 8, 9, 10, 20, 50) for c in (0, 1, 3)
             for variance in (1000, 1000003, 2**60) for length in (100,) if c < 2 * n // 3 + 1]
    cases += [(10, 1, 7, 10**6, 65536), (10, 1, 7, 10**6, 65537), (7, 2, 7, 900, 10), (12, 2, 12, 900, 10), (9, 1, 8, 50000, 10)]
    for n, c, t, variance, length in cases:
        plan = noise.schedule(n, c, t, variance, length)
        survivors = {}
        for m in range(t, n + 1):
            assert (m - c) * noise.kept(plan, m) >= variance
            survivors[str(m)] = dict(remove=[k for k, (limit, _) in enumerate(plan[1]) if m > limit], kept=str(noise.kept(plan, m)))
        steps.append(dict(op="plan", sites=n, colluders=c, threshold=t, variance=str(variance), length=length,
                          expect=dict(base=str(plan[0]), layers=[dict(limit=limit, variance=str(v)) for limit, v in plan[1]], survivors=survivors)))
    return file("schedule", "schedule", "The split of a variance into shares and layers", steps)


def clips():
    steps = []
    for bound, values in ((5, [3, 4]), (4, [3, 4]), (0, [1, -1]), (10, [0, 0, 0]), (1000, [-707, 708, 0]), (7, [2**49, -(2**49), 12345]), (2**62, [2**49] * 3),
                          (100, [-99, 98, -97, 96, 0, 1, -1]), (1, [1, 1]), (1, [-1])):
        clipped = noise.clip(values, bound)
        assert sum(v * v for v in clipped) <= bound * bound
        steps.append(dict(op="clip", bound=str(bound), values=[str(v) for v in values], expect=dict(values=[str(v) for v in clipped])))
    return file("clip", "clip", "Integers of one patient shortened to an L2 bound", steps)


def everything():
    return samplers() | blocks() | schedules() | clips()
