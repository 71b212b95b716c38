"""Reals to lattice units and back (specification section 14), in exact rational arithmetic."""

import math
from fractions import Fraction

from faults import Fault


def scaled(x, exponent):
    """round(x * 2^exponent), to the nearest, ties to even."""
    return round(Fraction(x) * Fraction(2) ** exponent)


def exponent_for(bound, sites, deviation, width):
    """The largest f in -60...60 with n B + ceil(40 sigma) < 2^(w-1); None when there is none."""
    margin = math.ceil(40.0 * deviation)
    for exponent in range(60, -61, -1):
        units = scaled(bound, exponent)
        if units < 2**63 and sites * units + margin < 2 ** (width - 1):
            return exponent
    return None


def encode(x, bound, exponent):
    if math.isnan(x) or math.isinf(x):
        raise Fault("answer-invalid")
    return scaled(max(-bound, min(bound, x)), exponent)


def decode(total, exponent):
    return math.ldexp(float(total), -exponent)
