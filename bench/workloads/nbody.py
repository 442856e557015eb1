"""Five planets for 10,000 steps: floating point, lists, loops."""

import time

PI = 3.141592653589793
SOLAR_MASS = 4 * PI * PI
DAYS = 365.24


def bodies():
    """Roughly the position, velocity and mass of the sun, Jupiter, Saturn, Uranus and Neptune."""
    return [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, SOLAR_MASS],
        [4.841, -1.160, -0.1036, 0.00166 * DAYS, 0.00770 * DAYS, -0.0000690 * DAYS, 0.000955 * SOLAR_MASS],
        [8.343, 4.125, -0.4035, -0.00277 * DAYS, 0.00500 * DAYS, 0.0000230 * DAYS, 0.000286 * SOLAR_MASS],
        [12.89, -15.11, -0.2233, 0.00296 * DAYS, 0.00238 * DAYS, -0.0000297 * DAYS, 0.0000437 * SOLAR_MASS],
        [15.38, -25.92, 0.1793, 0.00268 * DAYS, 0.00163 * DAYS, -0.0000952 * DAYS, 0.0000515 * SOLAR_MASS],
    ]


def advance(system, pairs, step, steps):
    for _ in range(steps):
        for one, other in pairs:
            x, y, z = one[0] - other[0], one[1] - other[1], one[2] - other[2]
            pull = step / ((x * x + y * y + z * z) ** 1.5)
            ours, theirs = one[6] * pull, other[6] * pull
            one[3] -= x * theirs
            one[4] -= y * theirs
            one[5] -= z * theirs
            other[3] += x * ours
            other[4] += y * ours
            other[5] += z * ours
        for body in system:
            body[0] += step * body[3]
            body[1] += step * body[4]
            body[2] += step * body[5]


def handler(event):
    began = time.perf_counter()
    system = bodies()
    pairs = [(one, other) for index, one in enumerate(system) for other in system[index + 1 :]]
    advance(system, pairs, 0.01, 10_000)
    check = round(sum(body[0] for body in system), 6)
    return {"seconds": time.perf_counter() - began, "check": check}
