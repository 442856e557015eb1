"""Greets whoever the path names, as JSON."""


def handler(event):
    name = event["pathParameters"]["name"]
    query = event["queryStringParameters"] or {}
    greeting = query.get("greeting", "Hello")
    return {
        "statusCode": 200,
        "headers": {"cache-control": "no-store"},
        "body": f"{greeting}, {name}!",
    }
