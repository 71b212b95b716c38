"""Secret sharing over the scalar field of edwards25519 (specification section 6)."""

from codec import ORDER


def evaluate(polynomial, x):
    total = 0
    for coefficient in reversed(polynomial):
        total = (total * x + coefficient) % ORDER
    return total


def deal(secret, coefficients, indices):
    return {j: evaluate([secret] + list(coefficients), j) for j in indices}


def interpolate(points, x):
    """The value at `x` of the lowest-degree polynomial through `points` {index: value}."""
    total = 0
    for i, value in points.items():
        top = bottom = 1
        for j in points:
            if j != i:
                top, bottom = top * (x - j) % ORDER, bottom * (i - j) % ORDER
        total += value * top * pow(bottom, -1, ORDER)
    return total % ORDER


def solve(rows):
    """One solution of a linear system mod the order; rows are [coefficients..., right side]. None when there is none."""
    width, pivots, rank = len(rows[0]) - 1, [], 0
    rows = [list(r) for r in rows]
    for column in range(width):
        pivot = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, ORDER)
        rows[rank] = [v * inverse % ORDER for v in rows[rank]]
        for r in range(len(rows)):
            if r != rank and rows[r][column]:
                factor = rows[r][column]
                rows[r] = [(a - factor * b) % ORDER for a, b in zip(rows[r], rows[rank])]
        pivots.append(column)
        rank += 1
    if any(row[-1] for row in rows[rank:]):
        return None
    answer = [0] * width
    for row, column in zip(rows, pivots):
        answer[column] = row[-1]
    return answer


def divide(numerator, denominator):
    """Quotient and remainder of polynomials, lowest coefficient first; the denominator is monic."""
    rest, quotient = list(numerator), [0] * max(len(numerator) - len(denominator) + 1, 1)
    for shift in range(len(numerator) - len(denominator), -1, -1):
        factor = rest[shift + len(denominator) - 1]
        quotient[shift] = factor
        for k, coefficient in enumerate(denominator):
            rest[shift + k] = (rest[shift + k] - factor * coefficient) % ORDER
    return quotient, rest


def berlekamp_welch(points, threshold, errors):
    """(polynomial, wrong indices) with degree < threshold and at most `errors` wrong points, or None."""
    rows = []
    for x, y in points.items():
        # Q(x) - y (E(x) - x^errors) = y x^errors, Q of degree < threshold + errors, E monic
        row = [pow(x, k, ORDER) for k in range(threshold + errors)]
        row += [-y * pow(x, k, ORDER) % ORDER for k in range(errors)]
        rows.append(row + [y * pow(x, errors, ORDER) % ORDER])
    answer = solve(rows)
    if answer is None:
        return None
    quotient, rest = divide(answer[: threshold + errors], answer[threshold + errors :] + [1])
    if any(rest):
        return None
    polynomial = quotient[:threshold]
    wrong = [x for x, y in points.items() if evaluate(polynomial, x) != y]
    return (polynomial, sorted(wrong)) if len(wrong) <= errors else None


def recover(points, threshold, fits):
    """Section 6: (secret or None, wrong indices). `fits` says whether a secret matches its commitment."""
    if len(points) < threshold:
        return None, []
    order = sorted(points)
    first = {i: points[i] for i in order[:threshold]}
    secret = interpolate(first, 0)
    if fits(secret):
        return secret, [i for i in order[threshold:] if interpolate(first, i) != points[i]]
    for errors in range(1, (len(points) - threshold) // 2 + 1):
        found = berlekamp_welch({i: points[i] for i in order}, threshold, errors)
        if found and fits(found[0][0]):
            return found[0][0], found[1]
    return None, []
