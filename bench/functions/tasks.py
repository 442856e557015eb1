"""One of three that take turns: a class, tasks in an event loop, a hash, a count."""

import asyncio
import collections
import hashlib
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int = 2


async def abscissa(x):
    await asyncio.sleep(0)
    return Point(x).x


async def handler(event):
    abscissas = await asyncio.gather(*(abscissa(x) for x in range(5)))
    letters = collections.Counter("abracadabra")
    return {"abscissas": abscissas, "digest": hashlib.sha256(b"x").hexdigest(), "letters": dict(letters)}
