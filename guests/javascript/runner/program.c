/* Evaluates the user's source and finds its handler.
 *
 * There is nothing to import: packages are bundled when a function is built. */
#include "program.h"

#include "compile.h"
#include "engine.h"
#include "guest.h"
#include "loop.h"

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

static bool throw_missing_handler(JSContext *ctx, JSValueConst exported, JSValueConst declared,
                                  const struct source *source)
{
    JSValue code = JS_NewStringLen(ctx, source->code, source->length);
    JSValueConst arguments[] = {exported, declared, code};
    JSValue message = JS_Call(ctx, guest.driver.missing_handler, JS_UNDEFINED, 3, arguments);
    const char *text = JS_IsException(message) ? NULL : JS_ToCString(ctx, message);
    guest_throw_named(ctx, "HandlerNotFoundError", text ? text : "the source defines no handler");
    return false;
}

static JSValue executable(JSContext *ctx, const struct source *source)
{
    if (source->compiled)
        return compile_read(ctx, source->compiled, source->compiled_length);
    return compile_source(ctx, source->code, source->length);
}

bool program_load(JSContext *ctx, const struct source *source, struct program *program)
{
    JSValue compiled = executable(ctx, source);
    if (JS_IsException(compiled))
        return false;
    bool is_module = compile_is_module(compiled);
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
    return throw_missing_handler(ctx, is_module ? exported : assigned, declared, source);
}
