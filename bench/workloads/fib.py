"""fib(27) by recursion: calls and small integers."""

import time


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def handler(event):
    began = time.perf_counter()
    check = fib(27)
    return {"seconds": time.perf_counter() - began, "check": check}
