"""A document of 1,000 records written and read 10 times: the C part of `json`, allocation of many small objects."""

import json
import time


def handler(event):
    document = [
        {"id": index, "name": f"record {index}", "tags": ["a", "b", "c"], "score": index / 7, "nested": {"ok": True}}
        for index in range(1_000)
    ]
    began = time.perf_counter()
    for _ in range(10):
        document = json.loads(json.dumps(document))
    return {"seconds": time.perf_counter() - began, "check": document[-1]["id"]}
