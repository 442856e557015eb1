/* From the user's source to what the engine runs, and to bytes and back.
 *
 * Source comes as an ES module or as CommonJS. A file does not say which it is, so the parser does: what has a line that
 * starts with `import` or `export` is tried as a module first, anything else as CommonJS first, and when that is a syntax
 * error the other way is tried. If both fail, the error of the attempt that got further is the one to show.
 *
 * CommonJS runs inside a function, as in Node, so that `exports`, `require` and `module` are its parameters, `return`
 * works, and top-level names are fast closure variables. The wrapper stands on a line of its own with the number 0, which
 * leaves lines and columns of the user's source right; at its end it hands out a `function handler` that was merely
 * declared. Syntax errors are reported from a parse without the wrapper, where its closing brace cannot mislead. */
#include "compile.h"

#include <string.h>

#include "buffer.h"
#include "engine.h"
#include "guest.h"

static const char WRAPPER_HEAD[] = "(function (exports, require, module, __filename, __dirname) {\n";
static const char WRAPPER_TAIL[] = "\n;return typeof handler === \"undefined\" ? undefined : handler;\n})";

/* ---- one way ---- */

static bool line_starts_with(const char *code, const char *keyword)
{
    size_t length = strlen(keyword);
    for (const char *at = code; (at = strstr(at, keyword)); at += length) {
        const char *start = at;
        while (start > code && (start[-1] == ' ' || start[-1] == '\t'))
            start--;
        bool first = start == code || start[-1] == '\n' || start[-1] == ';';
        if (first && strchr(" \t\n\r{*\"'", at[length]))
            return true;
    }
    return false;
}

static bool looks_like_module(const char *code)
{
    return line_starts_with(code, "export") || line_starts_with(code, "import");
}

static JSValue compile_module(JSContext *ctx, const char *code, size_t length)
{
    return engine_compile(ctx, code, length, USER_FILENAME, 1, JS_EVAL_TYPE_MODULE);
}

static JSValue compile_wrapped(JSContext *ctx, const char *code, size_t length)
{
    struct buffer wrapped = {0};
    buffer_append(&wrapped, WRAPPER_HEAD, sizeof(WRAPPER_HEAD) - 1);
    if (length >= 2 && code[0] == '#' && code[1] == '!') { /* no longer at the start, so it has to be a comment */
        buffer_append_text(&wrapped, "//");
        code += 2;
        length -= 2;
    }
    buffer_append(&wrapped, code, length);
    buffer_append(&wrapped, WRAPPER_TAIL, sizeof(WRAPPER_TAIL)); /* with its zero byte */
    if (wrapped.failed)
        return JS_ThrowOutOfMemory(ctx);
    JSValue compiled =
        engine_compile(ctx, wrapped.bytes, wrapped.length - 1, USER_FILENAME, 0, JS_EVAL_TYPE_GLOBAL);
    buffer_free(&wrapped);
    return compiled;
}

/* Replaces the pending exception by that of parsing the source without its wrapper, if that fails too. */
static void restate_syntax_error(JSContext *ctx, const char *code, size_t length)
{
    JSValue wrapped_error = JS_GetException(ctx);
    JSValue bare = engine_compile(ctx, code, length, USER_FILENAME, 1, JS_EVAL_TYPE_GLOBAL);
    if (JS_IsException(bare)) {
        JS_FreeValue(ctx, wrapped_error);
        return;
    }
    JS_FreeValue(ctx, bare);
    JS_Throw(ctx, wrapped_error);
}

static JSValue compile_commonjs(JSContext *ctx, const char *code, size_t length)
{
    JSValue compiled = compile_wrapped(ctx, code, length);
    if (JS_IsException(compiled))
        restate_syntax_error(ctx, code, length);
    return compiled;
}

static JSValue compile_as(JSContext *ctx, const char *code, size_t length, bool module)
{
    return module ? compile_module(ctx, code, length) : compile_commonjs(ctx, code, length);
}

static bool is_syntax_error(JSContext *ctx, JSValueConst error)
{
    JSValue name = JS_GetPropertyStr(ctx, error, "name");
    const char *text = JS_ToCString(ctx, name);
    bool is = text && strcmp(text, "SyntaxError") == 0;
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, name);
    return is;
}

/* The line that a syntax error names: its stack begins with the place. */
static long line_of(JSContext *ctx, JSValueConst error)
{
    JSValue stack = JS_GetPropertyStr(ctx, error, "stack");
    const char *text = JS_ToCString(ctx, stack);
    const char *place = text ? strstr(text, USER_FILENAME ":") : NULL;
    long line = 0;
    for (const char *at = place ? place + sizeof(USER_FILENAME) : ""; *at >= '0' && *at <= '9'; at++)
        line = line * 10 + (*at - '0');
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, stack);
    return line;
}

/* ---- both ways ---- */

JSValue compile_source(JSContext *ctx, const char *code, size_t length)
{
    bool module = looks_like_module(code);
    JSValue compiled = compile_as(ctx, code, length, module);
    if (!JS_IsException(compiled))
        return compiled;
    JSValue error = JS_GetException(ctx);
    if (!is_syntax_error(ctx, error))
        return JS_Throw(ctx, error);
    compiled = compile_as(ctx, code, length, !module);
    if (!JS_IsException(compiled)) {
        JS_FreeValue(ctx, error);
        return compiled;
    }
    JSValue other = JS_GetException(ctx);
    if (!is_syntax_error(ctx, other) || line_of(ctx, other) > line_of(ctx, error)) {
        JS_FreeValue(ctx, error);
        return JS_Throw(ctx, other);
    }
    JS_FreeValue(ctx, other);
    return JS_Throw(ctx, error);
}

bool compile_is_module(JSValueConst compiled)
{
    return JS_VALUE_GET_TAG(compiled) == JS_TAG_MODULE;
}

/* ---- keeping it ---- */

/* Nothing is stripped: stack traces need the positions, and `toString` of a function its source. */
uint8_t *compile_write(JSContext *ctx, JSValueConst compiled, size_t *size)
{
    return JS_WriteObject(ctx, size, compiled, JS_WRITE_OBJ_BYTECODE);
}

static JSValue throw_foreign(JSContext *ctx)
{
    return guest_throw_named(ctx, "InvalidCompiledCodeError",
                             "the compiled code was not made by this build of the interpreter, or it is damaged");
}

JSValue compile_read(JSContext *ctx, const uint8_t *bytes, size_t size)
{
    JSValue compiled = JS_ReadObject(ctx, bytes, size, JS_READ_OBJ_BYTECODE);
    if (JS_IsException(compiled)) {
        JSValue error = JS_GetException(ctx);
        bool foreign = is_syntax_error(ctx, error); /* what is left is a lack of memory */
        if (!foreign)
            return JS_Throw(ctx, error);
        JS_FreeValue(ctx, error);
        return throw_foreign(ctx);
    }
    if (compile_is_module(compiled))
        return JS_ResolveModule(ctx, compiled) < 0 ? JS_EXCEPTION : compiled;
    return JS_VALUE_GET_TAG(compiled) == JS_TAG_FUNCTION_BYTECODE ? compiled : throw_foreign(ctx);
}
