"""Makes any Python string fit to cross the border to the host, which takes well-formed Unicode of limited size only.

A Python string may hold lone surrogates (`"\\ud800"`), which UTF-8 cannot express: passing one on would trap.
"""

# Enough for a full traceback with long lines; a host that wants less cuts further.
MAX_CHARS = 64 * 1024


def well_formed(text: str) -> str:
    """The text with lone surrogates written as escapes (`\\ud800`)."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def bounded(text: str, limit: int = MAX_CHARS) -> str:
    """The text, or its head and its tail with a remark between them: both ends of a traceback tell something."""
    if len(text) <= limit:
        return text
    head = limit // 2
    return f"{text[:head]}\n... {len(text) - limit} characters left out ...\n{text[head - limit :]}"
