/* One walk that checks and writes.
 *
 * It follows JSON.stringify (toJSON, boxed primitives, undefined properties dropped, holes as null, lone surrogates
 * escaped), apart from the values that JSON.stringify turns into null, {} or nothing: those are an error here, because
 * a caller who gets null for a price has no way to find out why. A second walk, to check first and stringify then, would
 * see other values wherever getters are involved.
 *
 * Bounds: nesting up to DEPTH_MAX, which also bounds the C stack. The size is bounded by the memory of the instance. */
#include "json_out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "guest.h"

enum { DEPTH_MAX = 512, PATH_MAX = 512 };

/* Where the walk is: a link on the C stack per level. */
struct place {
    const struct place *parent;
    JSValueConst object; /* that `key` or `index` belongs to */
    JSAtom key;          /* JS_ATOM_NULL in an array */
    uint32_t index;
    int depth;
};

struct writer {
    JSContext *ctx;
    struct buffer *out;
    const char *root;
};

static JSAtom to_json_atom;

void json_initialise(JSContext *ctx)
{
    to_json_atom = JS_NewAtom(ctx, "toJSON");
}

static bool write_value(struct writer *w, JSValueConst value, const struct place *place, bool *dropped);

/* ---- errors ---- */

static bool is_identifier(const char *text)
{
    if (!*text || (*text >= '0' && *text <= '9'))
        return false;
    for (; *text; text++)
        if (!(*text == '_' || *text == '$' || (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
              (*text >= 'a' && *text <= 'z')))
            return false;
    return true;
}

static void append_step(struct writer *w, const struct place *place, struct buffer *path)
{
    char index[16];
    if (place->key == JS_ATOM_NULL) {
        snprintf(index, sizeof(index), "[%u]", (unsigned)place->index);
        buffer_append_text(path, index);
        return;
    }
    const char *key = JS_AtomToCString(w->ctx, place->key);
    bool plain = key && is_identifier(key);
    buffer_append_text(path, plain ? "." : "[\"");
    buffer_append_text(path, key ? key : "?");
    buffer_append_text(path, plain ? "" : "\"]");
    JS_FreeCString(w->ctx, key);
}

static void append_path(struct writer *w, const struct place *place, struct buffer *path)
{
    if (!place) {
        buffer_append_text(path, w->root);
        return;
    }
    append_path(w, place->parent, path);
    if (path->length < PATH_MAX)
        append_step(w, place, path);
    else if (path->bytes[path->length - 1] != '~')
        buffer_append_text(path, "…~");
}

static bool refuse(struct writer *w, const struct place *place, const char *why)
{
    struct buffer message = {0};
    append_path(w, place, &message);
    buffer_append_byte(&message, ' ');
    buffer_append_text(&message, why);
    buffer_append_byte(&message, 0);
    if (message.failed)
        JS_ThrowOutOfMemory(w->ctx);
    else
        guest_throw_named(w->ctx, "InvalidResultError", message.bytes);
    buffer_free(&message);
    return false;
}

static bool refuse_number(struct writer *w, const struct place *place, double number)
{
    if (isnan(number))
        return refuse(w, place, "is NaN, which JSON cannot hold; return null or a string instead");
    return refuse(w, place, number > 0 ? "is Infinity, which JSON cannot hold; return null or a string instead"
                                       : "is -Infinity, which JSON cannot hold; return null or a string instead");
}

/* What an object is that JSON.stringify would turn into {} or into a table of bytes; NULL for one that is fine. */
static const char *lossy_kind(JSValueConst object)
{
    if (JS_IsPromise(object))
        return "is a Promise; await it before returning it";
    if (JS_IsMap(object))
        return "is a Map; return Object.fromEntries(map) or [...map] instead";
    if (JS_IsSet(object))
        return "is a Set; return [...set] instead";
    if (JS_IsWeakMap(object) || JS_IsWeakSet(object) || JS_IsWeakRef(object))
        return "holds weak references, which JSON cannot hold";
    if (JS_IsArrayBuffer(object) || JS_IsDataView(object))
        return "holds raw bytes; return Array.from(new Uint8Array(bytes)) or base64 text instead";
    if (JS_GetTypedArrayType(object) >= 0)
        return "is a typed array; return Array.from(array), or base64 text for bytes";
    if (JS_IsError(object))
        return "is an Error; throw it, or return its message";
    if (JS_IsRegExp(object))
        return "is a RegExp; return its source instead";
    return NULL;
}

/* ---- scalars ---- */

static void write_escape(struct buffer *out, unsigned unit)
{
    static const char *const SHORT[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    if (unit < sizeof(SHORT) / sizeof(SHORT[0]) && SHORT[unit]) {
        buffer_append_text(out, SHORT[unit]);
        return;
    }
    char escape[8];
    snprintf(escape, sizeof(escape), "\\u%04x", unit);
    buffer_append_text(out, escape);
}

static bool needs_escape(const unsigned char *at, size_t left)
{
    return *at < 0x20 || *at == '"' || *at == '\\' || (*at == 0xED && left >= 3 && at[1] >= 0xA0);
}

/* `bytes` are UTF-8, except that QuickJS writes a lone surrogate as if it were a character. */
static void write_text(struct buffer *out, const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes, *end = at + length, *plain = at;
    buffer_append_byte(out, '"');
    while (at < end) {
        if (!needs_escape(at, (size_t)(end - at))) {
            at++;
            continue;
        }
        buffer_append(out, plain, (size_t)(at - plain));
        bool surrogate = *at == 0xED;
        write_escape(out, surrogate ? 0xD000u | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu) : *at);
        at += surrogate ? 3 : 1;
        plain = at;
    }
    buffer_append(out, plain, (size_t)(at - plain));
    buffer_append_byte(out, '"');
}

static bool write_string(struct writer *w, JSValueConst value)
{
    size_t length;
    const char *bytes = JS_ToCStringLen(w->ctx, &length, value);
    if (!bytes)
        return false;
    write_text(w->out, bytes, length);
    JS_FreeCString(w->ctx, bytes);
    return true;
}

static bool write_number(struct writer *w, JSValueConst value, const struct place *place)
{
    double number;
    if (JS_ToFloat64(w->ctx, &number, value) < 0)
        return false;
    if (!isfinite(number))
        return refuse_number(w, place, number);
    const char *text = JS_ToCString(w->ctx, value);
    if (!text)
        return false;
    buffer_append_text(w->out, text);
    JS_FreeCString(w->ctx, text);
    return true;
}

/* ---- containers ---- */

static bool check_nesting(struct writer *w, JSValueConst object, const struct place *place)
{
    if (place && place->depth >= DEPTH_MAX)
        return refuse(w, place, "is nested too deeply (more than 512 levels)");
    for (const struct place *above = place; above; above = above->parent)
        if (JS_VALUE_GET_PTR(above->object) == JS_VALUE_GET_PTR(object))
            return refuse(w, place, "refers back to an object that contains it; JSON cannot hold cycles");
    return true;
}

static bool write_array(struct writer *w, JSValueConst array, const struct place *parent)
{
    int64_t length;
    if (JS_GetLength(w->ctx, array, &length) < 0)
        return false;
    struct place place = {parent, array, JS_ATOM_NULL, 0, parent ? parent->depth + 1 : 1};
    buffer_append_byte(w->out, '[');
    for (int64_t i = 0; i < length; i++) {
        if (i > 0)
            buffer_append_byte(w->out, ',');
        place.index = (uint32_t)i;
        JSValue element = JS_GetPropertyInt64(w->ctx, array, i);
        bool dropped = false;
        bool written = !JS_IsException(element) && write_value(w, element, &place, &dropped);
        JS_FreeValue(w->ctx, element);
        if (!written)
            return false;
        if (dropped)
            buffer_append_text(w->out, "null");
    }
    buffer_append_byte(w->out, ']');
    return true;
}

/* One `"key":value`, with a comma if others precede. A dropped value leaves no trace. */
static bool write_member(struct writer *w, JSValueConst object, const struct place *place, bool *first)
{
    JSValue value = JS_GetProperty(w->ctx, object, place->key);
    if (JS_IsException(value))
        return false;
    size_t before = w->out->length, key_length;
    if (!*first)
        buffer_append_byte(w->out, ',');
    const char *key = JS_AtomToCStringLen(w->ctx, &key_length, place->key);
    bool dropped = false, written = false;
    if (key) {
        write_text(w->out, key, key_length);
        buffer_append_byte(w->out, ':');
        written = write_value(w, value, place, &dropped);
        JS_FreeCString(w->ctx, key);
    }
    JS_FreeValue(w->ctx, value);
    if (dropped)
        w->out->length = before;
    else
        *first = false;
    return written;
}

static bool write_object(struct writer *w, JSValueConst object, const struct place *parent)
{
    JSPropertyEnum *keys;
    uint32_t count;
    if (JS_GetOwnPropertyNames(w->ctx, &keys, &count, object, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
        return false;
    struct place place = {parent, object, JS_ATOM_NULL, 0, parent ? parent->depth + 1 : 1};
    bool first = true, written = true;
    buffer_append_byte(w->out, '{');
    for (uint32_t i = 0; written && i < count; i++) {
        place.key = keys[i].atom;
        written = write_member(w, object, &place, &first);
    }
    buffer_append_byte(w->out, '}');
    JS_FreePropertyEnum(w->ctx, keys, count);
    return written;
}

static bool write_container(struct writer *w, JSValueConst object, const struct place *place)
{
    if (!check_nesting(w, object, place))
        return false;
    const char *lossy = lossy_kind(object);
    if (lossy)
        return refuse(w, place, lossy);
    int is_array = engine_is_array(w->ctx, object);
    if (is_array < 0)
        return false;
    return is_array ? write_array(w, object, place) : write_object(w, object, place);
}

/* ---- any value ---- */

/* The argument of toJSON. */
static JSValue key_text(JSContext *ctx, const struct place *place)
{
    if (!place)
        return JS_NewString(ctx, "");
    if (place->key != JS_ATOM_NULL)
        return JS_AtomToString(ctx, place->key);
    JSValue index = JS_NewUint32(ctx, place->index);
    JSValue text = JS_ToString(ctx, index);
    JS_FreeValue(ctx, index);
    return text;
}

/* Replaces `*value` by what its toJSON returns, if it has one. */
static bool apply_to_json(struct writer *w, JSValue *value, const struct place *place)
{
    JSValue method = JS_GetProperty(w->ctx, *value, to_json_atom);
    if (JS_IsException(method))
        return false;
    if (JS_IsFunction(w->ctx, method)) {
        JSValue key = key_text(w->ctx, place);
        JSValueConst arguments[] = {key};
        JSValue replaced = JS_Call(w->ctx, method, *value, 1, arguments);
        JS_FreeValue(w->ctx, key);
        JS_FreeValue(w->ctx, *value);
        *value = replaced;
    }
    JS_FreeValue(w->ctx, method);
    return !JS_IsException(*value);
}

static bool unbox(struct writer *w, JSValue *value)
{
    JSValue primitive = engine_unbox(w->ctx, *value);
    if (JS_IsUndefined(primitive))
        return true;
    JS_FreeValue(w->ctx, *value);
    *value = primitive;
    return !JS_IsException(primitive);
}

static bool write_plain(struct writer *w, JSValueConst value, const struct place *place, bool *dropped)
{
    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_UNDEFINED:
        *dropped = true;
        return true;
    case JS_TAG_NULL:
        buffer_append_text(w->out, "null");
        return true;
    case JS_TAG_BOOL:
        buffer_append_text(w->out, JS_VALUE_GET_BOOL(value) ? "true" : "false");
        return true;
    case JS_TAG_INT:
    case JS_TAG_FLOAT64:
        return write_number(w, value, place);
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
        return write_string(w, value);
    case JS_TAG_BIG_INT:
    case JS_TAG_SHORT_BIG_INT:
        return refuse(w, place, "is a BigInt, which JSON cannot hold; return String(value) or Number(value) instead");
    case JS_TAG_SYMBOL:
        return refuse(w, place, "is a symbol, which JSON cannot hold");
    default:
        if (JS_IsFunction(w->ctx, value))
            return refuse(w, place, "is a function, which JSON cannot hold");
        return write_container(w, value, place);
    }
}

static bool write_value(struct writer *w, JSValueConst value, const struct place *place, bool *dropped)
{
    if (!JS_IsObject(value) && !JS_IsBigInt(value))
        return write_plain(w, value, place, dropped);
    JSValue effective = JS_DupValue(w->ctx, value);
    bool written = apply_to_json(w, &effective, place) && unbox(w, &effective) &&
                   write_plain(w, effective, place, dropped);
    JS_FreeValue(w->ctx, effective);
    return written;
}

bool json_write(JSContext *ctx, JSValueConst value, const char *root, struct buffer *out)
{
    struct writer writer = {ctx, out, root};
    bool dropped = false;
    if (!write_value(&writer, value, NULL, &dropped))
        return false;
    if (dropped) /* a handler without a return statement */
        buffer_append_text(out, "null");
    if (!out->failed)
        return true;
    JS_ThrowOutOfMemory(ctx);
    return false;
}
