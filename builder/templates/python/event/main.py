"""Adds up an order: {"items": [{"price": "9.90", "count": 2}]}."""

from decimal import Decimal


def handler(event):
    total = sum((Decimal(item["price"]) * item["count"] for item in event["items"]), Decimal())
    return {"total": str(total), "items": len(event["items"])}
