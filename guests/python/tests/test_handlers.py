"""The handler is found, and called with the arguments that it takes."""

import functools

import pytest

from hks_guest import handlers
from hks_guest.handlers import HandlerNotFoundError

EVENT, CONTEXT = {"x": 1}, object()


def namespace(source: str) -> dict[str, object]:
    result: dict[str, object] = {"__name__": "__main__"}
    exec(source, result)
    return result


def call(source: str) -> object:
    return handlers.call(handlers.find(namespace(source)), EVENT, lambda: CONTEXT)


@pytest.mark.parametrize(
    ("source", "arguments"),
    [
        ("def handler(*a): return a", (EVENT, CONTEXT)),
        ("def handler(): return ()", ()),
        ("def handler(event): return (event,)", (EVENT,)),
        ("def handler(event, context): return (event, context)", (EVENT, CONTEXT)),
        ("def handler(event, anything): return (event, anything)", (EVENT, CONTEXT)),
        ("def handler(event=None): return (event,)", (EVENT,)),
        ("def handler(event, context=None): return (event, context)", (EVENT, CONTEXT)),
        ("def handler(event, _=None): return (event, _)", (EVENT, CONTEXT)),
        ("def handler(event, retries=3): return (event, retries)", (EVENT, 3)),
        ("def handler(event, *rest): return (event, *rest)", (EVENT, CONTEXT)),
        ("def handler(event, **named): return (event, named)", (EVENT, {})),
        ("def handler(event, *, context): return (event, context)", (EVENT, CONTEXT)),
        ("def handler(*, event): return (event,)", (EVENT,)),
        ("def handler(event, *, retries=3): return (event, retries)", (EVENT, 3)),
        ("handler = lambda event: (event,)", (EVENT,)),
        ("class C:\n  def __call__(self, event, context): return (event, context)\nhandler = C()", (EVENT, CONTEXT)),
        ("class C:\n  def go(self, event): return (event,)\nhandler = C().go", (EVENT,)),
        ("class C:\n  @staticmethod\n  def go(event): return (event,)\nhandler = C.go", (EVENT,)),
    ],
)
def test_arguments_fit_the_signature(source: str, arguments: tuple) -> None:
    assert call(source) == arguments


def test_partial_and_builtin_functions_are_handlers() -> None:
    partial = functools.partial(lambda first, event: (first, event), 1)
    assert handlers.call(partial, EVENT, lambda: CONTEXT) == (1, EVENT)
    assert handlers.call(len, EVENT, lambda: CONTEXT) == 1


def test_context_is_not_made_for_handlers_that_do_not_take_it() -> None:
    def no_context() -> None:
        raise AssertionError("made a context")

    assert handlers.call(lambda event: event, EVENT, no_context) is EVENT


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "the code defines no handler; it needs `def handler(event): ...`"),
        ("def main(event): pass", "Found `main`: rename it to handler"),
        ("def handle(event): pass", "Found `handle`"),
        ("class Handler: pass", "Found `Handler`"),
        ("def lambda_handler(event, context): pass\ndef helper(): pass", "Found `lambda_handler`"),
        ("def compute(event): pass", "Found `compute`"),
        ("handler = {}", "handler is a dict, not a function"),
        ("handler = 1", "handler is an int, not a function"),
    ],
)
def test_absent_handler_is_explained(source: str, message: str) -> None:
    with pytest.raises(HandlerNotFoundError) as caught:
        handlers.find(namespace(source))
    assert message in str(caught.value)


def test_imported_functions_are_no_near_misses() -> None:
    with pytest.raises(HandlerNotFoundError) as caught:
        handlers.find(namespace("from runpy import run_path as run\ndef a(): pass\ndef b(): pass"))
    assert "Found" not in str(caught.value)


def test_too_many_arguments_are_explained() -> None:
    with pytest.raises(HandlerNotFoundError, match=r"requires 3 arguments \(a, b, c\)"):
        call("def handler(a, b, c): pass")
