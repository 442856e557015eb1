"""Runs a function in a fresh WebAssembly instance and prints what it returned; `cargo xtask quickstart` runs this."""

import hks_sdk
result = hks_sdk.functions.execute(
    code="""
    def handler(event):
        return {"result": event["input"] * 2}
    """,
    input={"input": 21},
    timeout=30,
)
print(result["result"])
