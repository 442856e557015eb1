"""The same in JavaScript: an async handler with web globals, and its log."""

import hks_sdk

result = hks_sdk.functions.execute(
    """
    export async function handler({ text }) {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
      console.log("hashed", text.length, "characters");
      return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    """,
    {"text": "hello"},
    language="javascript",
)
print(result.text)
print(result.logs.stdout)
