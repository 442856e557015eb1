"""Makes a table of the numbers that the schedule hands in."""

from tabulate import tabulate


def handler(event, context):
    rows = sorted(event["regions"].items(), key=lambda row: -row[1])
    print(f"{len(rows)} regions, due at {context.scheduled_at}")
    return {"total": sum(count for _, count in rows), "table": tabulate(rows, headers=["region", "count"])}
