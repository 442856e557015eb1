"""Mends two things in QuickJS-ng: what its stack check sees, and template objects that come from bytecode.

QuickJS measures the depth of recursion by the address of a local variable. In WebAssembly that address moves only by what
a function keeps in linear memory; most locals live on the host's stack, which no instruction can measure. The parser
nests 2 KB of host stack for each parenthesis while the address hardly moves, so the host would trap before the check
says RangeError.

The remedy: functions on a recursive path of C code take as much linear stack as makes up for their host stack. The
figures are the host stack of one turn of the recursion, in bytes, as Cranelift compiles it for x86-64 (the sum of the
frames from one entry of the function to the next), divided by STACK_RATIO and rounded up. Functions that recurse through
JavaScript need nothing: JS_CallInternal takes enough. tests/robustness.test.js recurses by most of these paths, but on V8's
stack: that the figures fit the host's shows only in the host.

Template objects, the first argument of a template's tag, are frozen when they are parsed; read from bytecode, their `length`
stays writable. REPLACEMENTS makes them the same.

A function or a text that is not found exactly once ends the build: a new version of the engine has to be looked at.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Host stack (2 MiB) over linear stack (JS_STACK_BYTES in runner/runner.c), less a margin.
STACK_RATIO = 3.5

COST_MACRO = "ENGINE_STACK_COST"

# Host stack of one turn of each recursion.
HOST_STACK_BYTES: dict[str, dict[str, int]] = {
    "quickjs.c": {
        # expressions: through all levels of precedence down to a primary
        "js_parse_assign_expr2": 2600,
        "js_parse_unary": 300,
        "js_parse_statement_or_decl": 700,
        "js_parse_destructuring_element": 500,
        "json_parse_value": 350,
        "js_json_to_str": 400,
        "JS_FlattenIntoArray": 450,
        "js_iterator_helper_next": 900,
        "js_iterator_wrap_next": 600,
        "js_iterator_concat_next": 900,
        "js_is_array": 250,
        "js_proxy_get": 500,
        "js_proxy_set": 500,
        "js_proxy_has": 450,
        "js_proxy_delete_property": 450,
        "js_proxy_define_own_property": 550,
        "js_proxy_get_own_property": 550,
        "js_proxy_get_own_property_names": 600,
        "js_proxy_getPrototypeOf": 450,
        "js_proxy_setPrototypeOf": 450,
        "js_proxy_isExtensible": 450,
        "js_proxy_preventExtensions": 450,
        "js_proxy_call": 450,
        "js_proxy_call_constructor": 450,
    },
    "libregexp.c": {
        "re_parse_disjunction": 700,
        "re_parse_nested_class": 600,
    },
}

# Recursive paths on which the engine does not check the stack at all: it calls the next iterator of a chain directly.
UNCHECKED = ["js_iterator_helper_next", "js_iterator_wrap_next", "js_iterator_concat_next"]

REPLACEMENTS: dict[str, list[tuple[str, str]]] = {
    "quickjs.c": [
        (
            "        }\n        JS_PreventExtensions(ctx, obj);\n    }\n    return obj;\n",
            "        }\n        seal_template_obj(ctx, obj);\n    }\n    return obj;\n",
        ),
    ],
}

CHECK = "if (js_check_stack_overflow(ctx->rt, 0)) return JS_ThrowStackOverflow(ctx);"

MACRO = f"""#define {COST_MACRO}(bytes) \\
    do {{ void *cost_ = __builtin_alloca(bytes); __asm__ volatile("" : : "r"(cost_)); }} while (0)
"""


def patch(engine: Path, target: Path) -> None:
    """Writes the patched sources of HOST_STACK_BYTES to `target`; the others stay where they are."""
    target.mkdir(parents=True, exist_ok=True)
    for name, functions in HOST_STACK_BYTES.items():
        source = (engine / name).read_text(encoding="utf-8")
        for function, host_bytes in functions.items():
            check = CHECK if function in UNCHECKED else ""
            source = prepend(source, function, f"{COST_MACRO}({linear_bytes(host_bytes)}); {check}")
        for old, new in REPLACEMENTS.get(name, []):
            source = replace(source, old, new)
        (target / name).write_text(MACRO + f'#line 1 "{name}"\n' + source, encoding="utf-8")


def linear_bytes(host_bytes: int) -> int:
    """Rounded up to the alignment of the stack."""
    return -(-round(host_bytes / STACK_RATIO) // 16) * 16


def prepend(source: str, function: str, statements: str) -> str:
    """Inserts statements at the beginning of a function's definition, without moving a line."""
    definition = re.compile(rf"^[a-zA-Z_][\w \t*]*\b{function}\([^;{{}}]*\)\n\{{", re.MULTILINE)
    require_one(len(definition.findall(source)), f"definitions of {function}")
    return definition.sub(lambda match: f"{match.group(0)} {statements}", source)


def replace(source: str, old: str, new: str) -> str:
    require_one(source.count(old), f"occurrences of {old.strip()!r}")
    return source.replace(old, new)


def require_one(found: int, what: str) -> None:
    if found != 1:
        sys.exit(f"javascript guest: {found} {what} in the engine, expected one; see engine_patch.py")
