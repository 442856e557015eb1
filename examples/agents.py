"""What an agent's host does: run several untrusted snippets at once, each with its limits, and look at how each ended."""

import asyncio

import hks_sdk

SNIPPETS = {
    "good": "def handler(event): return sum(event)",
    "wrong": "def handler(event): return event / 0",
    "endless": "def handler(event):\n    while True: pass",
    "greedy": "def handler(event): return len([0] * 50_000_000)",
    "curious": "import urllib.request\ndef handler(event): return urllib.request.urlopen('http://example.com').read()",
}


async def main() -> None:
    """All at once; none can disturb another, or this process."""
    runs = [hks_sdk.functions.aexecute(code, [1, 2, 3], timeout=0.5, memory_mb=96) for code in SNIPPETS.values()]
    for name, result in zip(SNIPPETS, await asyncio.gather(*runs)):
        print(f"{name}: {result.outcome}, {result.value if result.ok else result.error.value}")


asyncio.run(main())
