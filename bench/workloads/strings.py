"""Text put together, split and searched: Unicode strings."""

import time


def handler(event):
    began = time.perf_counter()
    check = 0
    for round_ in range(20):
        lines = [f"{index:05d};{index * round_};grün {index % 97}" for index in range(5_000)]
        text = "\n".join(lines).upper().replace("GRÜN", "rot")
        check += sum(len(line.split(";")) for line in text.splitlines()) + text.count("rot 5")
    return {"seconds": time.perf_counter() - began, "check": check}
