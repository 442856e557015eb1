"""One of three that take turns: JSON, regular expressions, dates."""

import datetime
import json
import re


def handler(event):
    document = {
        "numbers": [number * 1.5 for number in range(50)],
        "slug": re.sub(r"\s+", "-", "a b  c   d"),
        "day": datetime.datetime(2024, 1, 2).isoformat(),
    }
    return json.loads(json.dumps(document))
