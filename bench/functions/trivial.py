def handler(event):
    return {"result": event["input"] * 2}
