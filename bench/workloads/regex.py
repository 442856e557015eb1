"""Addresses found in 200 KB of text, 5 times: the regular expression engine in C."""

import re
import time


def handler(event):
    text = " ".join(f"word{index} user{index}@example{index % 10}.org, {index}-{index * 7}" for index in range(5_000))
    pattern = re.compile(r"([a-z0-9]+)@([a-z0-9]+)\.(org|com)")
    began = time.perf_counter()
    check = sum(len(pattern.findall(text)) for _ in range(5))
    return {"seconds": time.perf_counter() - began, "check": check}
