"""Words counted and sorted: dictionaries, hashing, sorting."""

import time


def handler(event):
    began = time.perf_counter()
    check = 0
    for round_ in range(5):
        counts = {}
        for index in range(50_000):
            key = f"k{(index * 7919 + round_) % 5_003}"
            counts[key] = counts.get(key, 0) + 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        check += ordered[0][1] + len(ordered)
    return {"seconds": time.perf_counter() - began, "check": check}
