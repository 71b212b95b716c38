#!/usr/bin/env python3
"""Writes protocol/vectors/differential-privacy.json; with --check compares instead.

Needs mpmath and, for compositions of sampled releases, dp-accounting (requirements-privacy.txt). Takes a few minutes.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import mpmath as mp  # noqa: E402

import privacy_accounting as exact  # noqa: E402

FILE = HERE.parent / "vectors" / "differential-privacy.json"
VECTORS = []


def relative(rtol, atol=0.0):
    return {"kind": "relative", "rtol": rtol, "atol": atol}


def window(lower, upper):
    return {"kind": "window", "lower": float(lower), "upper": float(upper)}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value if isinstance(value, (str, int)) else float(value)


def add(category, mechanism, params, query, expect, accept, source):
    number = sum(v["category"] == category for v in VECTORS) + 1
    VECTORS.append({"id": "%s-%02d" % (category, number), "category": category, "mechanism": mechanism, "params": params,
                    "query": query, "expect": plain(expect), "accept": accept, "source": source})
    print(VECTORS[-1]["id"], file=sys.stderr, flush=True)


def per_field(**rules):
    return {"kind": "per-field", **rules}


EXACT = {"kind": "exact"}
MP = "mpmath"


def gaussian():
    tight = relative(1e-12)
    for sigma, sensitivity, delta in [(1, 1, 1e-5), (0.05, 1, 1e-6), (250, 1, 1e-8), (2, 3, 1e-30), (1.3, 0.2, 1e-3),
                                      (7, 1, 0.01), (1, 1, 1e-100), (10000, 1, 1e-9)]:
        add("gaussian-analytic", "gaussian", {"sigma": sigma, "sensitivity_l2": sensitivity, "delta": delta}, "epsilon",
            exact.gaussian_epsilon(mp.mpf(sensitivity) / mp.mpf(sigma), delta), relative(1e-11, 1e-14), MP)
    add("gaussian-analytic", "gaussian", {"sigma": 5, "sensitivity_l2": 1, "delta": 0.2}, "epsilon", 0.0, EXACT, MP)
    for epsilon, delta, sensitivity in [(0.01, 1e-6, 1), (3, 1e-12, 2), (50, 1e-5, 1), (0, 1e-4, 1), (1, 0.3, 1)]:
        add("gaussian-analytic", "gaussian", {"epsilon": epsilon, "delta": delta, "sensitivity_l2": sensitivity}, "sigma",
            sensitivity / exact.gaussian_mu(epsilon, delta), tight, MP)
    for sigma, epsilon in [(1, 0), (30, 0), (100, 0.01), (10, 2.5), (0.4, 20), (50, 0.3), (3, 8), (0.2, 1)]:
        add("gaussian-analytic", "gaussian", {"sigma": sigma, "sensitivity_l2": 1, "epsilon": epsilon}, "delta",
            exact.gaussian_delta(1 / mp.mpf(sigma), epsilon), tight, MP)
    for sigma, steps, delta in [(6, 25, 1e-6), (100, 1000, 1e-5), (0.9, 3, 1e-9)]:
        rho = mp.mpf(steps) / (2 * mp.mpf(sigma) ** 2)
        values = [a * rho for a in exact.DEFAULT_ORDERS]
        epsilon = exact.gaussian_epsilon(mp.sqrt(steps) / mp.mpf(sigma), delta)
        add("gaussian-composition", "gaussian", {"sigma": sigma, "sensitivity_l2": 1, "steps": steps, "delta": delta}, "epsilon",
            {"exact": epsilon, "rdp_default_orders": exact.rdp_epsilon(exact.DEFAULT_ORDERS, values, delta)[0],
             "rdp_continuous_orders": max(mp.mpf(0), exact.zcdp_epsilon(rho, delta)[0])},
            per_field(exact=relative(1e-11), rdp_default_orders=relative(1e-10), rdp_continuous_orders=relative(1e-10),
                      tight_accountant=window(epsilon * (1 - mp.mpf("1e-9")), epsilon * mp.mpf("1.001"))), MP)


def sampled_rdp():
    for q, sigma, alpha in [(0.02, 1.2, 3), (0.3, 0.7, 12), (0.001, 5, 2), (0.0001, 20, 50), (0.9, 2, 7), (0.25, 30, 128),
                            (0.02, 1.2, 1.1), (0.05, 0.6, 2.3), (0.7, 1.5, 3.7), (0.001, 4, 6.5), (0.4, 8, 9.9), (0.01, 0.3, 1.7)]:
        value = exact.sampled_gaussian_rdp(q, sigma, alpha)
        add("sgm-rdp-order", "poisson-subsampled-gaussian",
            {"q": q, "noise_multiplier": sigma, "alpha": alpha, "neighbouring": "add-remove"}, "rdp", value, relative(1e-9), MP)


def sampled_curve(q, sigma, steps):
    return [steps * exact.sampled_gaussian_rdp(q, sigma, a) for a in exact.DEFAULT_ORDERS[:140]]


def dpsgd():
    import dp_accounting as dpa
    from dp_accounting.pld import PLDAccountant
    for q, sigma, steps, delta in [(0.02, 1.3, 2000, 1e-6), (0.2, 3.0, 300, 1e-5), (0.0005, 0.7, 50000, 1e-7), (0.5, 6.0, 50, 1e-5),
                                   (0.008, 0.9, 40, 1e-9), (0.3, 1.0, 2, 1e-6)]:
        orders = exact.DEFAULT_ORDERS[:152]
        values = [steps * exact.sampled_gaussian_rdp(q, sigma, a) for a in orders]
        renyi = exact.rdp_epsilon(orders, values, delta)[0]
        accountant = PLDAccountant(value_discretization_interval=1e-4 if sigma < 10 else 1e-5)
        accountant.compose(dpa.SelfComposedDpEvent(dpa.PoissonSampledDpEvent(q, dpa.GaussianDpEvent(sigma)), steps))
        tight = accountant.get_epsilon(delta)
        add("dpsgd", "poisson-subsampled-gaussian",
            {"q": q, "noise_multiplier": sigma, "steps": steps, "delta": delta, "neighbouring": "add-remove"}, "epsilon",
            {"rdp_exact": renyi, "pld_dpa": tight},
            per_field(rdp_candidate=window(renyi * (1 - mp.mpf("1e-9")), renyi * (1 + mp.mpf("1e-6"))),
                      tight_accountant=window(tight * 0.9992, tight * 1.0004)),
            "mpmath quadrature per order; dp-accounting PLD")


def heterogeneous():
    import dp_accounting as dpa
    from dp_accounting.pld import PLDAccountant
    studies = [
        ([{"count": 300, "event": {"type": "poisson", "q": 0.03, "event": {"type": "gaussian", "noise_multiplier": 1.5}}},
          {"count": 5, "event": {"type": "gaussian", "noise_multiplier": 12.0}}, {"count": 3, "event": {"type": "laplace", "scale": 20.0}}],
         [dpa.SelfComposedDpEvent(dpa.PoissonSampledDpEvent(0.03, dpa.GaussianDpEvent(1.5)), 300),
          dpa.SelfComposedDpEvent(dpa.GaussianDpEvent(12.0), 5), dpa.SelfComposedDpEvent(dpa.LaplaceDpEvent(20.0), 3)], 1e-5),
        ([{"count": 20, "event": {"type": "laplace", "scale": 8.0}}, {"count": 1, "event": {"type": "gaussian", "noise_multiplier": 4.0}}],
         [dpa.SelfComposedDpEvent(dpa.LaplaceDpEvent(8.0), 20), dpa.GaussianDpEvent(4.0)], 1e-7),
    ]
    for events, dpa_events, delta in studies:
        values = []
        orders = exact.DEFAULT_ORDERS[:152]
        for a in orders:
            total = mp.mpf(0)
            for item in events:
                event = item["event"]
                if event["type"] == "poisson":
                    one = exact.sampled_gaussian_rdp(event["q"], event["event"]["noise_multiplier"], a)
                elif event["type"] == "laplace":
                    one = exact.laplace_rdp(event["scale"], a)
                else:
                    one = mp.mpf(a) / (2 * mp.mpf(event["noise_multiplier"]) ** 2)
                total += item["count"] * one
            values.append(total)
        renyi = exact.rdp_epsilon(orders, values, delta)[0]
        accountant = PLDAccountant(value_discretization_interval=1e-4)
        for event in dpa_events:
            accountant.compose(event)
        tight = accountant.get_epsilon(delta)
        add("heterogeneous", "study", {"events": events, "delta": delta}, "epsilon", {"rdp_exact": renyi, "pld_dpa": tight},
            per_field(rdp_candidate=window(renyi * (1 - mp.mpf("1e-9")), renyi * (1 + mp.mpf("1e-6"))),
                      tight_accountant=window(tight * 0.999, tight * 1.001)), "mpmath quadrature per order; dp-accounting PLD")


def laplace():
    for scale, delta in [(3, 1e-3), (0.1, 1e-9), (2, 0.5)]:
        value = max(mp.mpf(0), 1 / mp.mpf(scale) + 2 * mp.log(1 - mp.mpf(delta)))
        add("laplace", "laplace", {"scale_b": scale, "sensitivity_l1": 1, "delta": delta}, "epsilon", value, relative(1e-12, 1e-15), MP)
    add("laplace", "laplace", {"scale_b": 4, "sensitivity_l1": 2, "epsilon": 0.125}, "delta",
        1 - mp.exp((mp.mpf("0.125") - mp.mpf("0.5")) / 2), relative(1e-12), MP)
    for scale, alpha in [(3, 1.5), (0.2, 20), (100, 1.01), (1000, 3), (1, 1.0001)]:
        add("laplace", "laplace", {"scale_b": scale, "alpha": alpha, "sensitivity_l1": 1}, "rdp", exact.laplace_rdp(scale, alpha),
            relative(1e-10), "mpmath quadrature")


def discrete():
    for rate, shift, delta in [(0.3, 2, 1e-4), (1.5, 1, 1e-2)]:
        p, q = exact.shifted(exact.discrete_laplace(rate), shift, int(60 / rate))
        add("discrete-laplace", "discrete-laplace", {"parameter": rate, "sensitivity": shift, "delta": delta}, "epsilon",
            exact.table_epsilon(p, q, delta), relative(1e-10, 1e-13), "enumeration")
    for p, k, delta in [(0.5, 4, 0.0), (0.1, 10, 0.01), (0.3, 2, 0.1)]:
        p = mp.mpf(p)
        own, other = 1 - p + p / k, p / k
        rest = (k - 2) * p / k
        a, b = [own, other, rest], [other, own, rest]
        value = mp.log(own / other) if delta == 0 else exact.table_epsilon(a, b, delta)
        add("randomized-response", "randomized-response", {"noise_parameter": float(p), "num_buckets": k, "delta": delta}, "epsilon",
            value, relative(1e-11), "enumeration")
    for variance, shift, delta in [(2.5, 1, 1e-7), (50, 3, 1e-5), (0.4, 1, 1e-4)]:
        reach = int(14 * variance ** 0.5) + shift + 8
        p, q = exact.shifted(exact.discrete_gaussian(variance, reach), shift, reach)
        add("discrete-gaussian", "discrete-gaussian", {"sigma2": variance, "sensitivity": shift, "delta": delta}, "epsilon",
            exact.table_epsilon(p, q, delta), relative(1e-10), "enumeration")
    for variance, shift, alpha in [(3, 2, 3), (0.6, 1, 2.5), (9, 1, 30.5)]:
        reach = int(alpha * shift + 16 * variance ** 0.5) + 8
        p, q = exact.shifted(exact.discrete_gaussian(variance, reach), shift, reach)
        add("discrete-gaussian", "discrete-gaussian", {"sigma2": variance, "sensitivity": shift, "alpha": alpha}, "rdp",
            {"exact": exact.renyi(p, q, alpha), "zcdp_bound": mp.mpf(alpha) * shift ** 2 / (2 * mp.mpf(variance))},
            per_field(exact=relative(1e-10), zcdp_bound=relative(1e-12)), "enumeration")
    for variance in [0.7, 30]:
        mass = exact.discrete_gaussian(variance, int(16 * variance ** 0.5) + 4)
        reach = int(40 * variance ** 0.5) + 8
        add("discrete-gaussian", "discrete-gaussian", {"sigma2": variance}, "moments",
            {"p0": mass(0), "p2": mass(2), "variance": sum(k * k * mass(k) for k in range(-reach, reach + 1)),
             "p_abs_ge_3": 2 * sum(mass(k) for k in range(3, reach + 1))}, relative(1e-11), "enumeration")
    variance, shift, delta = 64, 5, 1e-5
    p, q = exact.shifted(exact.discrete_gaussian(variance, 140), shift, 140)
    rounded = exact.gaussian_epsilon(shift / mp.sqrt(variance - 4), delta)
    value = exact.table_epsilon(p, q, delta)
    add("gaussian-dominance", "discrete-gaussian", {"sigma2": variance, "sensitivity": shift, "delta": delta, "slack_variance": 4}, "epsilon",
        {"exact_discrete": value, "continuous_S_minus_4": rounded},
        per_field(exact_discrete=relative(1e-9), continuous_S_minus_4=relative(1e-11), reported=window(value, rounded * (1 + mp.mpf("1e-9")))), "enumeration")
    for variance, shift, alpha in [(10, 1, 4), (6, 2, 2.5)]:
        p, q = exact.shifted(exact.skellam(variance), shift, 90)
        a, mu, s = mp.mpf(alpha), mp.mpf(variance), mp.mpf(shift)
        bound = a * s ** 2 / (2 * mu) + min(((2 * a - 1) * s ** 2 + 6 * s) / (4 * mu ** 2), 3 * s / (2 * mu))
        add("skellam", "skellam", {"variance_mu": variance, "sensitivity_l1": shift, "sensitivity_l2": shift, "alpha": alpha, "dimension": 1}, "rdp",
            {"exact": exact.renyi(p, q, alpha), "theorem35_bound": bound},
            per_field(exact=relative(1e-9), theorem35_bound=relative(1e-12)), "enumeration")
    p, q = exact.shifted(exact.skellam(40), 2, 130)
    add("skellam", "skellam", {"variance_mu": 40, "sensitivity_l1": 2, "sensitivity_l2": 2, "delta": 1e-5, "dimension": 1}, "epsilon",
        exact.table_epsilon(p, q, 1e-5), relative(1e-9), "enumeration")
    parties, variance, sensitivity, dimension = 7, mp.mpf("0.8"), 2, 50
    tau = 10 * sum(mp.exp(-2 * mp.pi ** 2 * variance * k / (k + 1)) for k in range(1, parties))
    ideal = sensitivity / mp.sqrt(parties * variance)
    epsilon = min(mp.sqrt(ideal ** 2 + 2 * tau * dimension), ideal + tau * mp.sqrt(dimension))
    add("ddgauss", "sum-of-discrete-gaussians", {"parties": parties, "sigma2_each": 0.8, "sensitivity_l2": sensitivity, "dimension": dimension}, "cdp",
        {"tau": tau, "epsilon_cdp": epsilon, "rho": epsilon ** 2 / 2}, relative(1e-11), MP)
    base = exact.discrete_gaussian(mp.mpf("0.7"), 20)
    line = [base(k) for k in range(-16, 17)]
    total = line
    for _ in range(3):
        total = [sum(total[j] * line[i - j] for j in range(len(total)) if 0 <= i - j < len(line)) for i in range(len(total) + len(line) - 1)]
    middle = len(total) // 2
    p, q = exact.shifted(lambda k: total[middle + k] if abs(k) <= middle else mp.mpf(0), 1, middle)
    add("ddgauss", "sum-of-discrete-gaussians", {"parties": 4, "sigma2_each": 0.7, "sensitivity": 1, "delta": 1e-6, "dimension": 1},
        "epsilon_exact_1d", exact.table_epsilon(p, q, 1e-6), relative(1e-9), "convolution and enumeration")


def conversions():
    for rho, delta in [(0.01, 1e-6), (1.5, 1e-10), (40, 1e-5)]:
        value, order = exact.zcdp_epsilon(rho, delta)
        add("zcdp-conversion", "zcdp", {"rho": rho, "delta": delta}, "epsilon",
            {"simple": rho + 2 * mp.sqrt(mp.mpf(rho) * mp.log(1 / mp.mpf(delta))), "ckS20_optimal": value, "optimal_alpha": order},
            per_field(simple=relative(1e-12), ckS20_optimal=relative(1e-11), optimal_alpha=relative(1e-6)), MP)
    for rho, epsilon in [(0.02, 1.0), (2.0, 15.0), (0.5, 0.5)]:
        add("zcdp-conversion", "zcdp", {"rho": rho, "epsilon": epsilon}, "delta", min(mp.mpf(1), exact.zcdp_delta(rho, epsilon)), relative(1e-10), MP)
    orders, rdp = [1.25, 1.75, 2.5, 5, 10, 20, 50], [0.01, 0.015, 0.03, 0.09, 0.25, 0.8, 3.0]
    for delta in [1e-4, 1e-9]:
        value, order = exact.rdp_epsilon(orders, rdp, mp.mpf(delta))
        add("rdp-conversion", "rdp-curve", {"orders": orders, "rdp": rdp, "delta": delta}, "epsilon", {"epsilon": value, "order": order},
            per_field(epsilon=relative(1e-11), order=EXACT), MP)
    for epsilon in [0.05, 1.0]:
        pairs = []
        for a, r in zip(orders, rdp):
            a, r = mp.mpf(a), mp.mpf(r)
            pairs.append((min((a - 1) * (r - epsilon + mp.log1p(-1 / a)) - mp.log(a), mp.log1p(-mp.exp(-r)) / 2), a))
        value, order = min(pairs)
        add("rdp-conversion", "rdp-curve", {"orders": orders, "rdp": rdp, "epsilon": epsilon}, "delta", {"delta": mp.exp(value), "order": order},
            per_field(delta=relative(1e-11), order=EXACT), MP)


def studies():
    for population, batch, sigma, steps, delta in [(5000, 250, 2.0, 200, 1e-5), (2000, 10, 0.8, 500, 1e-6)]:
        values = [steps * v for v in exact.without_replacement_curve(mp.mpf(batch) / population, sigma)]
        add("sampled-wor", "fixed-size-subsampled-gaussian",
            {"population": population, "batch": batch, "noise_multiplier": sigma, "steps": steps, "delta": delta, "neighbouring": "replace-one"},
            "epsilon", {"rdp_exact": exact.rdp_epsilon(exact.DEFAULT_ORDERS, values, delta)[0]}, per_field(rdp_exact=relative(1e-8)), "mpmath, 200 digits")
    for steps in [1, 1024, 5000]:
        rho = mp.mpf(steps.bit_length()) / (2 * 36)
        add("tree-aggregation", "dp-ftrl-tree", {"noise_multiplier": 6.0, "step_counts": steps, "delta": 1e-6, "neighbouring": "replace-special (zero-out)"},
            "epsilon", {"rdp_dpa": exact.rdp_epsilon(exact.DEFAULT_ORDERS, [a * rho for a in exact.DEFAULT_ORDERS], 1e-6)[0]},
            per_field(rdp_dpa=relative(1e-10)), MP)
    mu = exact.gaussian_mu(2.0, 1e-6)
    add("calibration", "gaussian", {"q": 1.0, "steps": 30, "epsilon": 2.0, "delta": 1e-6}, "noise_multiplier", {"pld": mp.sqrt(30) / mu},
        per_field(pld=window(mp.sqrt(30) / mu * (1 - mp.mpf("1e-11")), mp.sqrt(30) / mu * mp.mpf("1.003"))), MP)
    import dp_accounting as dpa
    from dp_accounting.pld import PLDAccountant
    q, steps, epsilon, delta = 0.02, 300, 2.0, 1e-5
    noise = dpa.calibrate_dp_mechanism(
        lambda: PLDAccountant(value_discretization_interval=1e-4),
        lambda z: dpa.SelfComposedDpEvent(dpa.PoissonSampledDpEvent(q, dpa.GaussianDpEvent(z)), steps), epsilon, delta, tol=1e-6)
    add("calibration", "poisson-subsampled-gaussian", {"q": q, "steps": steps, "epsilon": epsilon, "delta": delta}, "noise_multiplier", {"pld": noise},
        per_field(pld=window(noise * 0.9995, noise * 1.0005)), "dp-accounting PLD")
    sensitivity = 2 * mp.sqrt(12 * (1 + mp.mpf("0.0625")))
    add("structured-sensitivity", "gbdt-histograms",
        {"trees": 20, "levels_per_tree": 3, "features": 12, "g_max": 1, "h_max": 0.25, "records_per_patient": 2, "sigma_per_bin": 90, "delta": 1e-5},
        "epsilon", {"sensitivity_l2_per_release": sensitivity, "releases": 60, "epsilon": exact.gaussian_epsilon(sensitivity * mp.sqrt(60) / 90, 1e-5)},
        per_field(sensitivity_l2_per_release=relative(1e-12), releases=EXACT, epsilon=relative(1e-11)), MP)
    sensitivity = 3 * mp.sqrt(25)
    add("structured-sensitivity", "marginal-histograms",
        {"features": 25, "bins": 32, "records_per_patient": 3, "releases": 4, "sigma_per_bin": 120, "delta": 1e-6},
        "epsilon", {"sensitivity_l2": sensitivity, "epsilon": exact.gaussian_epsilon(sensitivity * 2 / 120, 1e-6)},
        per_field(sensitivity_l2=relative(1e-12), epsilon=relative(1e-11)), MP)


def edges():
    for params, expect in [({"sigma": 1.0, "sensitivity_l2": 1, "delta": 0.0}, "inf"), ({"sigma": 1.0, "sensitivity_l2": 1, "delta": 1.0}, 0.0),
                           ({"sigma": 1.0, "sensitivity_l2": 1, "delta": 1.5}, "error"), ({"sigma": 1.0, "sensitivity_l2": -1, "delta": 1e-5}, "error"),
                           ({"sigma": "inf", "sensitivity_l2": 1, "delta": 1e-5}, 0.0)]:
        add("edge", "gaussian", params, "epsilon", expect, EXACT, "definition")
    for params, expect in [({"q": 0.01, "noise_multiplier": 0.0, "steps": 10, "delta": 1e-5}, "inf"), ({"q": -0.1, "noise_multiplier": 1.0, "steps": 10, "delta": 1e-5}, "error"),
                           ({"q": 0.01, "noise_multiplier": 1.0, "steps": 0, "delta": 1e-5}, 0.0), ({"q": 0.01, "noise_multiplier": 1.0, "steps": 10, "delta": 0.0}, "inf")]:
        add("edge", "poisson-subsampled-gaussian", params, "epsilon", expect, EXACT, "definition")
    add("edge", "poisson-subsampled-gaussian", {"q": 1.0, "noise_multiplier": 5.0, "steps": 4, "delta": 1e-5}, "epsilon",
        exact.gaussian_epsilon(mp.mpf(2) / 5, 1e-5), relative(1e-10), "unsampled limit")


def audit():
    for m, r, v, epsilon, delta in [(500, 80, 60, 0.5, 1e-5), (2000, 300, 300, 3.0, 1e-6), (50, 50, 20, 0.0, 0.0), (1000, 1000, 900, 2.0, 1e-4)]:
        add("audit", "one-run-audit", {"m": m, "r": r, "v": v, "epsilon": epsilon, "delta": delta}, "p_value", exact.audit_p_value(m, r, v, epsilon, delta),
            relative(1e-10, 1e-15), MP)
    for m, r, v, delta, p in [(1000, 100, 95, 1e-5, 0.05), (300, 60, 50, 1e-6, 0.01), (200, 200, 90, 1e-5, 0.05)]:
        add("audit", "one-run-audit", {"m": m, "r": r, "v": v, "delta": delta, "p": p}, "epsilon_lower_bound", exact.audit_lower_bound(m, r, v, delta, p),
            relative(1e-9, 1e-9), MP)
    for successes, trials, confidence in [(17, 250, 0.99), (40, 40, 0.95), (1, 100000, 0.95)]:
        half = (1 - mp.mpf(confidence)) / 2
        def tail(x, first, last):
            return mp.fsum(mp.binomial(trials, k) * x ** k * (1 - x) ** (trials - k) for k in range(first, last + 1))
        lower = exact.bisect(lambda x: half - (1 - tail(x, 0, successes - 1)), mp.mpf(10) ** -12, 1 - mp.mpf(10) ** -12)
        high = mp.mpf(1) if successes == trials else exact.bisect(lambda x: tail(x, 0, successes) - half, mp.mpf(10) ** -12, 1 - mp.mpf(10) ** -12)
        add("audit", "clopper-pearson", {"successes": successes, "trials": trials, "confidence": confidence}, "interval",
            {"lower": lower, "upper": high}, relative(1e-9), MP)
    for epsilon in [1, 4, 16]:
        mu = exact.gaussian_mu(epsilon, 1e-5)
        def rate(alpha):
            return exact.normal(mu + mp.sqrt(2) * mp.erfinv(2 * mp.mpf(alpha) - 1))
        add("audit", "membership-ceiling", {"epsilon": epsilon, "delta": 1e-5}, "ceiling",
            {"auc": exact.normal(mu / mp.sqrt(2)), "tpr_at_0.001": rate("0.001"), "tpr_at_0.01": rate("0.01"), "tpr_at_0.1": rate("0.1")},
            relative(1e-10), MP)


def main():
    for part in (gaussian, laplace, discrete, conversions, audit, edges, sampled_rdp, studies, heterogeneous, dpsgd):
        part()
    document = {"meta": {"title": "Known answers for privacy accounting, by protocol/reference/privacy_accounting.py",
                         "conventions": "as in the shape read by VectorFile: accept is relative, window, exact or per-field; \"inf\" and \"error\" are strings",
                         "count": len(VECTORS)}}
    lines = ",\n".join("  " + json.dumps(v, ensure_ascii=False) for v in VECTORS)
    text = '{\n"meta": %s,\n"vectors": [\n%s\n]\n}\n' % (json.dumps(document["meta"], ensure_ascii=False), lines)
    if "--check" in sys.argv:
        same = FILE.exists() and FILE.read_text() == text
        print("same" if same else "DIFFERENT")
        sys.exit(0 if same else 1)
    FILE.write_text(text)


if __name__ == "__main__":
    main()
