"""Lines arrive while the function runs; rich results come with the report."""

import hks_sdk

result = hks_sdk.functions.execute(
    """
    import time
    def handler(event):
        for step in range(3):
            print("step", step)
            time.sleep(0.1)
        display(html="<b>done</b>", text="done")
        return "done"
    """,
    on_stdout=lambda line: print("now:", line),
)
print(result.results[0].html)
