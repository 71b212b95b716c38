"""Privacy accounting by slow, independent means: high-precision quadrature, enumeration and root finding (mpmath).

Nothing here shares a formula with Sources/DifferentialPrivacy that could be wrong in both: Rényi divergences are
integrals of densities, discrete mechanisms are enumerated, conversions are minimised numerically. Only compositions of
sampled releases lean on another implementation (dp-accounting), which gives windows, not numbers.
"""

import mpmath as mp

mp.mp.dps = 40
DEFAULT_ORDERS = [1 + k / 10 for k in range(1, 100)] + list(range(11, 64)) + [128, 256, 512, 1024]


def normal(x):
    return mp.ncdf(x) if x < 0 else 1 - mp.ncdf(-x)


def upper(x):
    """P(Z > x) without cancellation."""
    return mp.erfc(x / mp.sqrt(2)) / 2


def gaussian_delta(mu, epsilon):
    """Balle and Wang 2018, theorem 8, with enough digits that the cancellation does not matter."""
    mu, epsilon = mp.mpf(mu), mp.mpf(epsilon)
    # The terms are near exp(-x^2/2) each and cancel to a share of mu.
    with mp.workdps(40 + int(max(0, -mp.log10(mu)))):
        return upper(epsilon / mu - mu / 2) - mp.exp(epsilon) * upper(epsilon / mu + mu / 2)


def bisect(function, low, high, digits=18):
    """Root of a decreasing function inside a bracket (the Illinois method)."""
    low, high = mp.mpf(low), mp.mpf(high)
    at_low, at_high = function(low), function(high)
    side = 0
    for _ in range(300):
        if high - low < mp.mpf(10) ** -digits * max(abs(high), mp.mpf(10) ** -20):
            break
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        if not low < middle < high:
            middle = (low + high) / 2
        value = function(middle)
        if value == 0:
            return middle
        if value > 0:
            low, at_low = middle, value
            at_high = at_high / 2 if side == 1 else at_high
            side = 1
        else:
            high, at_high = middle, value
            at_low = at_low / 2 if side == -1 else at_low
            side = -1
        if abs(value) < mp.mpf(10) ** -(digits + 20):
            return middle
    return (low + high) / 2


def gaussian_epsilon(mu, delta):
    mu, delta = mp.mpf(mu), mp.mpf(delta)
    if gaussian_delta(mu, 0) <= delta:
        return mp.mpf(0)
    high = mp.mpf(1)
    while gaussian_delta(mu, high) > delta:
        high *= 2
    return bisect(lambda e: mp.log(gaussian_delta(mu, e) / delta), high / 2 if high > 1 else 0, high)


def gaussian_mu(epsilon, delta):
    low = high = mp.mpf(1)
    while gaussian_delta(high, epsilon) < delta:
        high *= 2
    while gaussian_delta(low, epsilon) > delta:
        low /= 2
    return bisect(lambda m: mp.log(delta / gaussian_delta(m, epsilon)), low, high)


def sampled_gaussian_rdp(q, sigma, alpha, points=None):
    """log E_{z~N(0,s^2)}[(1 - q + q e^((2z-1)/2s^2))^alpha] / (alpha - 1), by quadrature of the density."""
    q, s, a = mp.mpf(q), mp.mpf(sigma), mp.mpf(alpha)
    with mp.workdps(40):
        def integrand(z):
            ratio = 1 - q + q * mp.exp((2 * z - 1) / (2 * s * s))
            return mp.npdf(z, 0, s) * ratio ** a
        crossing = s * s * mp.log(1 / q - 1) + mp.mpf(1) / 2 if q < 1 else mp.mpf(0)
        ends = sorted({-14 * s, -4 * s, mp.mpf(0), 4 * s, a - 6 * s, a, a + 6 * s, a + 14 * s, min(max(crossing, -10 * s), a + 10 * s)})
        total = mp.quad(integrand, ends, maxdegree=9)
        return mp.log(total) / (a - 1)


def rdp_epsilon(orders, values, delta):
    """Canonne, Kamath and Steinke 2020, proposition 12, at given orders, as dp-accounting states it."""
    best, order = mp.inf, None
    for a, r in zip(orders, values):
        a, r = mp.mpf(a), mp.mpf(r)
        if delta ** 2 + mp.expm1(-r) > 0:
            e = mp.mpf(0)
        else:
            e = r + mp.log1p(-1 / a) - mp.log(delta * a) / (a - 1)
        if e < best:
            best, order = e, a
    return max(best, mp.mpf(0)), order


def zcdp_epsilon(rho, delta):
    rho, delta = mp.mpf(rho), mp.mpf(delta)
    def value(a):
        return a * rho + mp.log(1 / (a * delta)) / (a - 1) + mp.log(1 - 1 / a)
    return minimum(value)


def zcdp_delta(rho, epsilon):
    rho, epsilon = mp.mpf(rho), mp.mpf(epsilon)
    def value(a):
        return (a - 1) * (a * rho - epsilon + mp.log(1 - 1 / a)) - mp.log(a)
    return mp.exp(minimum(value)[0])


def minimum(value):
    """Golden section in log(a - 1)."""
    low, high = mp.mpf(-40), mp.mpf(40)
    golden = (mp.sqrt(5) - 1) / 2
    f = lambda u: value(1 + mp.exp(u))
    a, b = high - golden * (high - low), low + golden * (high - low)
    fa, fb = f(a), f(b)
    for _ in range(110):
        if fa < fb:
            high, b, fb = b, a, fa
            a = high - golden * (high - low)
            fa = f(a)
        else:
            low, a, fa = a, b, fb
            b = low + golden * (high - low)
            fb = f(b)
    u = (low + high) / 2
    return f(u), 1 + mp.exp(u)


def hockey_stick(p, q, epsilon):
    factor = mp.exp(epsilon)
    return sum((max(mp.mpf(0), a - factor * b) for a, b in zip(p, q)), mp.mpf(0))


def table_epsilon(p, q, delta):
    """The smallest epsilon of an enumerated pair, both directions."""
    def one(p, q):
        if hockey_stick(p, q, 0) <= delta:
            return mp.mpf(0)
        high = mp.mpf(1)
        while hockey_stick(p, q, high) > delta:
            high *= 2
        return bisect(lambda e: hockey_stick(p, q, e) - delta, 0, high, digits=16)
    return max(one(p, q), one(q, p))


def shifted(mass, shift, reach):
    """The two runs of a count with noise `mass(k)` that one patient shifts."""
    ks = range(-reach, reach + shift + 1)
    return [mass(k - shift) for k in ks], [mass(k) for k in ks]


def discrete_gaussian(variance, reach):
    variance = mp.mpf(variance)
    total = sum(mp.exp(-mp.mpf(k) ** 2 / (2 * variance)) for k in range(-4 * reach, 4 * reach + 1))
    return lambda k: mp.exp(-mp.mpf(k) ** 2 / (2 * variance)) / total


def discrete_laplace(rate):
    rate = mp.mpf(rate)
    return lambda k: mp.tanh(rate / 2) * mp.exp(-rate * abs(k))


def skellam(variance):
    variance = mp.mpf(variance)
    cache = {}
    def mass(k):
        k = abs(k)
        if k not in cache:
            cache[k] = mp.exp(-variance) * mp.besseli(k, variance)
        return cache[k]
    return mass


def renyi(p, q, alpha):
    alpha = mp.mpf(alpha)
    return mp.log(sum(a ** alpha * b ** (1 - alpha) for a, b in zip(p, q))) / (alpha - 1)


def laplace_rdp(scale, alpha):
    """By quadrature of the densities."""
    b, a = mp.mpf(scale), mp.mpf(alpha)
    def integrand(x):
        return mp.exp(-a * abs(x) / b) * mp.exp(-(1 - a) * abs(x - 1) / b) / (2 * b)
    return mp.log(mp.quad(integrand, [-mp.inf, 0, 1, mp.inf])) / (a - 1)


def without_replacement_rdp(q, sigma, alpha):
    """Wang, Balle and Kasiviswanathan 2019, theorem 27, with the alternating sums in 200 digits."""
    with mp.workdps(200):
        q, inverse = mp.mpf(q), 1 / mp.mpf(sigma) ** 2
        def chi(l):
            return sum((-1) ** (l - i) * mp.binomial(l, i) * mp.exp(mp.mpf(i) * (i - 1) / 2 * inverse) for i in range(l + 1))
        total = mp.mpf(1)
        for k in range(2, alpha + 1):
            plain = 2 * mp.exp(mp.mpf(k) * (k - 1) / 2 * inverse)
            if k == 2:
                bound = min(4 * mp.expm1(inverse), plain)
            elif alpha <= 256:
                bound = min(4 * mp.sqrt(chi(2 * (k // 2)) * chi(2 * ((k + 1) // 2))), plain)
            else:
                bound = plain
            total += mp.binomial(alpha, k) * q ** k * bound
        return mp.log(total) / (alpha - 1)


def without_replacement_curve(q, sigma):
    """(alpha - 1) D interpolated between integers, at the default orders."""
    moments = {1: mp.mpf(0)}
    values = []
    for a in DEFAULT_ORDERS:
        low, high = int(a), int(a) if a == int(a) else int(a) + 1
        for n in (low, high):
            if n not in moments:
                moments[n] = without_replacement_rdp(q, sigma, n) * (n - 1)
        t = mp.mpf(a) - low
        values.append(((1 - t) * moments[low] + t * moments[high]) / (mp.mpf(a) - 1))
    return values


def audit_p_value(m, r, v, epsilon, delta):
    """Steinke, Nasr and Jagielski 2023, appendix D, with exact binomial masses."""
    right = 1 / (1 + mp.exp(-mp.mpf(epsilon)))
    mass = [mp.binomial(r, k) * right ** k * (1 - right) ** (r - k) for k in range(r + 1)]
    tail = sum(mass[v:], mp.mpf(0))
    largest, partial = mp.mpf(0), mp.mpf(0)
    for i in range(1, v + 1):
        partial += mass[v - i]
        largest = max(largest, partial / i)
    return min(mp.mpf(1), tail + 2 * m * mp.mpf(delta) * largest)


def audit_lower_bound(m, r, v, delta, p):
    if audit_p_value(m, r, v, 0, delta) >= p:
        return mp.mpf(0)
    high = mp.mpf(1)
    while audit_p_value(m, r, v, high, delta) < p:
        high += 1
    return bisect(lambda e: p - audit_p_value(m, r, v, e, delta), high - 1, high, digits=14)
