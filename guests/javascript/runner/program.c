/* Evaluates the user's source and finds its handler.
 *
 * Source comes as an ES module or as CommonJS. A file does not say which it is, so the parser does: what has a line that
 * starts with `import` or `export` is tried as a module first, anything else as CommonJS first, and when that is a syntax
 * error the other way is tried. If both fail, the error of the attempt that got further is the one to show.
 *
 * CommonJS runs inside a function, as in Node, so that `exports`, `require` and `module` are its parameters, `return`
 * works, and top-level names are fast closure variables. The wrapper stands on a line of its own with the number 0, which
 * leaves lines and columns of the user's source right; at its end it hands out a `function handler` that was merely
 * declared. Syntax errors are reported from a parse without the wrapper, where its closing brace cannot mislead.
 *
 * There is nothing to import: packages are bundled when a function is built. */
#include "program.h"

#include <string.h>

#include "buffer.h"
#include "engine.h"
#include "guest.h"
#include "loop.h"

static const char WRAPPER_HEAD[] = "(function (exports, require, module, __filename, __dirname) {\n";
static const char WRAPPER_TAIL[] = "\n;return typeof handler === \"undefined\" ? undefined : handler;\n})";

/* What CommonJS source sees, and where its exports end up. */
struct commonjs {
    JSValue module, exports, require;
};

/* ---- names that only exist for some sources ---- */

static JSModuleDef *refuse_import(JSContext *ctx, const char *specifier, void *opaque)
{
    (void)opaque;
    JSValue name = JS_NewString(ctx, specifier);
    JSValueConst arguments[] = {name};
    JSValue error = JS_Call(ctx, guest.driver.missing_module, JS_UNDEFINED, 1, arguments);
    JS_FreeValue(ctx, name);
    if (!JS_IsException(error))
        JS_Throw(ctx, error);
    return NULL;
}

/* The engine's own would look at slashes and dots to resolve relative names; there is nothing to resolve against. */
static char *keep_specifier(JSContext *ctx, const char *base, const char *specifier, void *opaque)
{
    (void)base, (void)opaque;
    return js_strdup(ctx, specifier);
}

void program_initialise(JSRuntime *rt)
{
    JS_SetModuleLoaderFunc(rt, keep_specifier, refuse_import, NULL);
}

static struct commonjs new_commonjs(JSContext *ctx)
{
    struct commonjs commonjs = {
        .module = JS_NewObject(ctx),
        .exports = JS_NewObject(ctx),
        .require = JS_Call(ctx, guest.driver.make_require, JS_UNDEFINED, 0, NULL),
    };
    JS_DefinePropertyValueStr(ctx, commonjs.module, "exports", JS_DupValue(ctx, commonjs.exports), JS_PROP_C_W_E);
    return commonjs;
}

/* ---- compiling ---- */

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

/* Compiles in the likelier way and then the other one. `*module` says which of them it was. */
static JSValue compile(JSContext *ctx, const char *code, size_t length, bool *module)
{
    *module = looks_like_module(code);
    JSValue compiled = compile_as(ctx, code, length, *module);
    if (!JS_IsException(compiled))
        return compiled;
    JSValue error = JS_GetException(ctx);
    if (!is_syntax_error(ctx, error))
        return JS_Throw(ctx, error);
    compiled = compile_as(ctx, code, length, !*module);
    if (!JS_IsException(compiled)) {
        JS_FreeValue(ctx, error);
        *module = !*module;
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

/* ---- running ---- */

/* Sets `*declared` to a handler that the source declared without exporting it. */
static bool run_commonjs(JSContext *ctx, JSValue compiled, const struct commonjs *commonjs, JSValue *declared)
{
    JSValue wrapper = JS_EvalFunction(ctx, compiled);
    if (JS_IsException(wrapper))
        return false;
    JSValue filename = JS_NewString(ctx, "/" USER_FILENAME), folder = JS_NewString(ctx, "/");
    JSValueConst arguments[] = {commonjs->exports, commonjs->require, commonjs->module, filename, folder};
    *declared = JS_Call(ctx, wrapper, commonjs->exports, 5, arguments);
    return !JS_IsException(*declared);
}

static void describe_import_meta(JSContext *ctx, JSModuleDef *module)
{
    JSValue meta = JS_GetImportMeta(ctx, module);
    JS_DefinePropertyValueStr(ctx, meta, "url", JS_NewString(ctx, "file:///" USER_FILENAME), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, meta, "filename", JS_NewString(ctx, "/" USER_FILENAME), JS_PROP_C_W_E);
    JS_DefinePropertyValueStr(ctx, meta, "dirname", JS_NewString(ctx, "/"), JS_PROP_C_W_E);
    JS_FreeValue(ctx, meta);
}

static void define_global(JSContext *ctx, const char *name, JSValueConst value)
{
    JSValue global = JS_GetGlobalObject(ctx);
    JS_DefinePropertyValueStr(ctx, global, name, JS_DupValue(ctx, value), JS_PROP_CONFIGURABLE | JS_PROP_WRITABLE);
    JS_FreeValue(ctx, global);
}

static bool run_module(JSContext *ctx, JSValue compiled, const struct commonjs *commonjs, JSValue *exported)
{
    JSModuleDef *module = JS_VALUE_GET_PTR(compiled);
    if (engine_module_is_bare(module)) { /* CommonJS that needs top-level await */
        define_global(ctx, "exports", commonjs->exports);
        define_global(ctx, "require", commonjs->require);
        define_global(ctx, "module", commonjs->module);
    }
    describe_import_meta(ctx, module);
    JSValue evaluated = JS_EvalFunction(ctx, compiled);
    if (JS_IsException(evaluated))
        return false;
    evaluated = loop_settle(ctx, evaluated, "a top-level await");
    if (JS_IsException(evaluated))
        return false;
    *exported = JS_GetModuleNamespace(ctx, module);
    return !JS_IsException(*exported);
}

/* ---- finding the handler ---- */

static bool accept(JSContext *ctx, struct program *program, JSValue handler, JSValueConst receiver)
{
    if (!JS_IsFunction(ctx, handler)) {
        JS_FreeValue(ctx, handler);
        return false;
    }
    program->handler = handler;
    program->receiver = JS_DupValue(ctx, receiver);
    return true;
}

/* A getter of the user's that throws counts as nothing found. */
static JSValue property(JSContext *ctx, JSValueConst object, const char *name)
{
    if (!JS_IsObject(object))
        return JS_UNDEFINED;
    JSValue value = JS_GetPropertyStr(ctx, object, name);
    if (!JS_IsException(value))
        return value;
    JS_FreeValue(ctx, JS_GetException(ctx));
    return JS_UNDEFINED;
}

/* `container.handler`, or `container.default` as a function or with a handler of its own. */
static bool find_in(JSContext *ctx, JSValueConst container, struct program *program)
{
    if (accept(ctx, program, property(ctx, container, "handler"), container))
        return true;
    JSValue fallback = property(ctx, container, "default");
    if (accept(ctx, program, JS_DupValue(ctx, fallback), JS_UNDEFINED))
        return true;
    return accept(ctx, program, property(ctx, fallback, "handler"), fallback);
}

static bool find_handler(JSContext *ctx, JSValueConst exported, JSValueConst declared, JSValueConst global,
                         struct program *program)
{
    return accept(ctx, program, JS_DupValue(ctx, exported), JS_UNDEFINED) || find_in(ctx, exported, program) ||
           accept(ctx, program, JS_DupValue(ctx, declared), JS_UNDEFINED) ||
           accept(ctx, program, property(ctx, global, "handler"), JS_UNDEFINED);
}

static bool throw_missing_handler(JSContext *ctx, JSValueConst exported, JSValueConst declared, const char *code,
                                  size_t length)
{
    JSValue source = JS_NewStringLen(ctx, code, length);
    JSValueConst arguments[] = {exported, declared, source};
    JSValue message = JS_Call(ctx, guest.driver.missing_handler, JS_UNDEFINED, 3, arguments);
    const char *text = JS_IsException(message) ? NULL : JS_ToCString(ctx, message);
    guest_throw_named(ctx, "HandlerNotFoundError", text ? text : "the source defines no handler");
    return false;
}

bool program_load(JSContext *ctx, const char *code, size_t length, struct program *program)
{
    bool is_module;
    JSValue compiled = compile(ctx, code, length, &is_module);
    if (JS_IsException(compiled))
        return false;
    struct commonjs commonjs = new_commonjs(ctx);
    JSValue exported = JS_UNDEFINED, declared = JS_UNDEFINED, global = JS_GetGlobalObject(ctx);
    if (!(is_module ? run_module(ctx, compiled, &commonjs, &exported)
                    : run_commonjs(ctx, compiled, &commonjs, &declared)))
        return false;
    if (is_module && find_handler(ctx, exported, JS_UNDEFINED, JS_UNDEFINED, program))
        return true;
    JSValue assigned = property(ctx, commonjs.module, "exports");
    if (find_handler(ctx, assigned, declared, global, program))
        return true;
    return throw_missing_handler(ctx, is_module ? exported : assigned, declared, code, length);
}
