"""Discrete noise from a seed, and its split into shares and layers (specification section 20).

Written from the specification with integers of any size and fractions; it shares no code and no
shortcut with the Swift samplers.
"""

import math
from fractions import Fraction

import primitives as p

LEAST = 16
LONGEST_LAYERED = 65536


class Stream:
    """The little-endian 64-bit words of the AES-256-CTR keystream under a seed."""

    def __init__(self, seed):
        assert len(seed) == 32
        self.seed, self.words, self.used = seed, [], 0

    def next(self):
        if self.used == len(self.words):
            self.words = p.from_bytes(p.keystream(self.seed, 16 * max(512, len(self.words))), 64)
        self.used += 1
        return self.words[self.used - 1]

    def coin(self):
        return self.next() >> 63

    def uniform(self, n):
        while True:
            high, low = divmod(self.next() * n, 2**64)
            if low >= 2**64 % n:
                return high

    def below(self, x):
        """U < x for a uniform U whose digits are the words."""
        x = Fraction(x)
        a, b = x.numerator, x.denominator
        while True:
            r = self.next()
            if (r + 1) * b <= a * 2**64:
                return True
            if r * b >= a * 2**64:
                return False
            a = a * 2**64 - r * b

    def below_exponential(self, x):
        """True with probability exp(-x)."""
        x = Fraction(x)
        while x > 1:
            if not self.below_exponential(1):
                return False
            x -= 1
        k = 1
        while self.below(x / k):
            k += 1
        return k % 2 == 1


def laplace_magnitude(stream, scale):
    block = max(1, math.floor(scale))
    while True:
        u = stream.uniform(block)
        if stream.below_exponential(u / scale):
            break
    v = 0
    while stream.below_exponential(block / scale):
        v += 1
    return u + block * v


def laplace(stream, scale):
    while True:
        y = laplace_magnitude(stream, scale)
        negative = stream.coin()
        if not (negative and y == 0):
            return -y if negative else y


class Blocks:
    """Cumulative probabilities F_b of blocks of s magnitudes, weights exp(-(s b)^2 / (2 variance)), to any precision."""

    def __init__(self, variance):
        self.s, self.variance, self.known = max(1, math.isqrt(variance) // 16), variance, {}

    @staticmethod
    def exponential(x, bits):
        """exp(-x) in units of 2^-bits, off by less than 2^24 for x below 2^12: exp(-x/2^13) by its series, squared 13 times."""
        guard = 40
        one = 1 << (bits + guard)
        numerator, denominator = x.numerator, x.denominator << 13
        total, term, k = one, one, 0
        while term:
            k += 1
            term = term * numerator // (denominator * k)
            total += -term if k % 2 else term
        for _ in range(13):
            total = total * total >> (bits + guard)
        return total >> guard

    def sums(self, bits):
        """[S_0, S_1, ...] in units of 2^-bits; the last one is the sum of all."""
        if bits not in self.known:
            sums, total, j = [], 0, 0
            while True:
                weight = self.exponential(Fraction((self.s * j) ** 2, 2 * self.variance), bits)
                total += weight
                sums.append(total)
                j += 1
                if weight < 1 << 26:
                    break
            self.known[bits] = sums
        return self.known[bits]

    def digits(self, block, words):
        """floor(2^(64 words) F_b): rounding cannot matter, or more bits are taken."""
        bits = 64 * words + 128
        while True:
            sums = self.sums(bits)
            if block < len(sums):
                error = len(sums) << 28
                low = ((sums[block] - error) << (64 * words)) // (sums[-1] + error)
                high = min(((sums[block] + error) << (64 * words)) // (sums[-1] - error), 2 ** (64 * words) - 1)
                if low == high:
                    return low
            bits += 128

    def next(self, stream):
        words, value, block = 1, stream.next(), 0
        while True:
            edge = self.digits(block, words)
            if value < edge:
                return block
            if value > edge:
                block += 1
            else:
                words, value = words + 1, (value << 64) + stream.next()


def gaussian(stream, variance, blocks):
    s = blocks.s
    while True:
        start = s * blocks.next(stream)
        u = 0
        if s > 1:
            u = stream.uniform(s)
            if not stream.below_exponential(Fraction(u * (2 * start + u), 2 * variance)):
                continue
        y = start + u
        negative = stream.coin()
        if not (negative and y == 0):
            return -y if negative else y


BLOCKS = {}


def blocks_of(variance):
    if variance not in BLOCKS:
        BLOCKS[variance] = Blocks(variance)
        edges = BLOCKS[variance].edges = []
        plain = BLOCKS[variance].digits
        # The first word's edges are asked for again and again.
        BLOCKS[variance].digits = lambda block, words: (
            edges[block] if words == 1 and block < len(edges) else edges.append(plain(block, 1)) or edges[block]
            if words == 1 and block == len(edges) else plain(block, words))
    return BLOCKS[variance]


def poisson(stream, mean):
    s = math.isqrt(mean - 1) + 1  # the least integer whose square is at least the mean

    def block_holds():
        return all(stream.below(Fraction(mean, mean + s)) for _ in range(s))

    while True:
        down = stream.coin()
        if stream.coin():
            v = 1
            while block_holds():
                v += 1
        elif block_holds():
            continue
        else:
            v = 0
        j = stream.uniform(s) + s * v
        if down and (j == 0 or j > mean):
            continue
        kept = True
        for i in range(1, j + 1):
            factor = Fraction(mean - i + 1, mean) if down else Fraction(mean, mean + i)
            if s < i <= s * v:
                factor /= Fraction(mean, mean + s)
            if not stream.below(factor):
                kept = False
                break
        if kept:
            return mean - j if down else mean + j


def skellam(stream, variance):
    count = poisson(stream, variance)
    heads, left = 0, count
    while left > 0:
        bits = min(64, left)
        heads += bin(stream.next() >> (64 - bits)).count("1")
        left -= bits
    return 2 * heads - count


def draws(kind, parameter, seed, count):
    stream = Stream(seed)
    if kind == "discrete-gaussian":
        return [gaussian(stream, parameter, blocks_of(parameter)) if parameter else 0 for _ in range(count)]
    if kind == "discrete-laplace":
        return [laplace(stream, parameter) for _ in range(count)]
    if kind == "skellam":
        return [skellam(stream, parameter) if parameter else 0 for _ in range(count)]
    raise ValueError(kind)


def schedule(n, c, t, variance, length):
    """(base variance, [(largest survivor count at which the layer stays, variance), ...])."""

    def share(m):
        return max(LEAST, -(-variance // (m - c)))

    if n <= 8:
        grid = list(range(n, t - 1, -1))
    else:
        grid = [n] + [m for m in (9 * n // 10, 8 * n // 10) if t < m] + ([t] if t < n else [])
    layers = [(high - 1, share(low) - share(high)) for high, low in zip(grid, grid[1:])]
    if length > LONGEST_LAYERED or any(v < LEAST for _, v in layers):
        return share(t), []
    return share(n), layers


def kept(plan, m):
    base, layers = plan
    return base + sum(v for limit, v in layers if m <= limit)


def clip(values, bound):
    """Integers shortened to an L2 norm of at most `bound` (values below 2^50)."""
    square = sum(v * v for v in values)
    if square <= bound * bound:
        return values
    norm = math.isqrt(square - 1) + 1
    return [(1 if v > 0 else -1) * (abs(v) * bound // norm) for v in values]
