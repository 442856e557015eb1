"""Finds a function's `handler` and calls it with the arguments that it takes.

Plain functions are judged by their code object, which costs next to nothing; only other callables need `inspect`.
"""

import difflib
import inspect
import types
from collections.abc import Callable

_EXPECTED = "`def handler(event): ...` or `def handler(event, context): ...`"
_FAMILIAR = ("main", "handle", "Handler", "lambda_handler", "run", "execute", "process", "entrypoint")
_CONTEXT_NAMES = frozenset(("context", "ctx", "_context", "_ctx", "_"))
_FunctionType = types.FunctionType
_VARARGS = inspect.CO_VARARGS


class HandlerNotFoundError(Exception):
    """The code defines no `handler`, or one that cannot be called."""


def find(namespace: dict[str, object]) -> Callable:
    """The `handler` of an executed module. Raises `HandlerNotFoundError`, which names what was probably meant."""
    handler = namespace.get("handler")
    if callable(handler):
        return handler
    if "handler" in namespace:
        kind = type(handler).__name__
        article = "an" if kind[0] in "aeiouAEIOU" else "a"
        raise HandlerNotFoundError(f"handler is {article} {kind}, not a function; define it as {_EXPECTED}")
    near = _near_misses(namespace)
    hint = f". Found {near}: rename it to handler" if near else ""
    raise HandlerNotFoundError(f"the code defines no handler; it needs {_EXPECTED}{hint}")


def _near_misses(namespace: dict[str, object]) -> str:
    own = [
        name
        for name, value in namespace.items()
        if callable(value) and getattr(value, "__module__", None) == "__main__" and not name.startswith("__")
    ]
    near = [name for name in own if name in _FAMILIAR or difflib.get_close_matches(name.lower(), ("handler",))]
    if not near and len(own) == 1:
        near = own
    return " and ".join(f"`{name}`" for name in near[:3])


def call(handler: Callable, event: object, make_context: Callable[[], object]) -> object:
    """Calls the handler with as many of (event, context) as it takes."""
    if type(handler) is _FunctionType:
        code = handler.__code__
        if not code.co_kwonlyargcount:
            return _call_plain(handler, code, event, make_context)
    positional, named = _shape(handler)
    arguments = (event, make_context())[:positional] if positional > 1 else (event,)[:positional]
    available = {"event": lambda: event, "context": make_context, "ctx": make_context}
    return handler(*arguments, **{name: available[name]() for name in named})


def _call_plain(
    handler: types.FunctionType, code: types.CodeType, event: object, make_context: Callable[[], object]
) -> object:
    count = code.co_argcount
    required = count - len(handler.__defaults__ or ())
    if required > 2:
        names = ", ".join(code.co_varnames[:required])
        raise HandlerNotFoundError(f"handler requires {required} arguments ({names}); define it as {_EXPECTED}")
    if count == 1 and not code.co_flags & _VARARGS:
        return handler(event)
    if count >= 2:
        wanted = required == 2 or code.co_varnames[1] in _CONTEXT_NAMES
        return handler(event, make_context()) if wanted else handler(event)
    if code.co_flags & _VARARGS:
        return handler(event, make_context())
    return handler()


def _shape(handler: Callable) -> tuple[int, list[str]]:
    """How many positional arguments a callable gets, and which of ours it requires by name."""
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return 1, []
    positional, named = 0, []
    for parameter in parameters:
        required = parameter.default is parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            positional = 2
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            if required or positional == 0 or parameter.name in _CONTEXT_NAMES:
                positional += 1
        elif parameter.kind is parameter.KEYWORD_ONLY and required and parameter.name in ("event", "context", "ctx"):
            named.append(parameter.name)
    return min(positional, 2), named
