/* The function's environment variables as a plain object, which scripts may change.
 *
 * When the source was loaded in an earlier attempt, the object still has that attempt's variables. It is brought up to date
 * in place, since a script may hold it, and so as if the top level had found the new variables: what it has set or deleted
 * itself stays as it left it. Values that it copied elsewhere, or froze, are its own affair. */
#include "environment.h"

#include <stdbool.h>
#include <string.h>

#include "host.h"

struct variables {
    struct host_variable *all;
    size_t count;
};

static struct {
    bool made;
    JSValue object;
    struct variables given; /* what the object was made of */
} environment;

static struct variables ask_host(void)
{
    struct variables variables;
    variables.all = host_environment(&variables.count);
    return variables;
}

static bool same(struct host_text a, struct host_text b)
{
    return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* A walk over all, for each of all: a function has a few dozen at most. */
static const struct host_variable *find(struct variables variables, struct host_text name)
{
    for (size_t i = 0; i < variables.count; i++)
        if (same(variables.all[i].name, name))
            return &variables.all[i];
    return NULL;
}

static JSAtom name_of(JSContext *ctx, const struct host_variable *variable)
{
    return JS_NewAtomLen(ctx, variable->name.bytes, variable->name.length);
}

static void set(JSContext *ctx, const struct host_variable *variable)
{
    JSAtom name = name_of(ctx, variable);
    JSValue value = JS_NewStringLen(ctx, variable->value.bytes, variable->value.length);
    JS_DefinePropertyValue(ctx, environment.object, name, value, JS_PROP_C_W_E);
    JS_FreeAtom(ctx, name);
}

static void unset(JSContext *ctx, const struct host_variable *variable)
{
    JSAtom name = name_of(ctx, variable);
    JS_DeleteProperty(ctx, environment.object, name, 0);
    JS_FreeAtom(ctx, name);
}

/* What the script sees under the name of a variable. */
enum seen { SEEN_NOTHING, SEEN_OTHER, SEEN_ITSELF };

static enum seen look(JSContext *ctx, const struct host_variable *variable)
{
    JSPropertyDescriptor property;
    JSAtom name = name_of(ctx, variable);
    int found = JS_GetOwnProperty(ctx, &property, environment.object, name);
    JS_FreeAtom(ctx, name);
    if (found <= 0)
        return SEEN_NOTHING;
    size_t length;
    const char *text = JS_IsString(property.value) ? JS_ToCStringLen(ctx, &length, property.value) : NULL;
    bool is = text && same((struct host_text){(char *)text, length}, variable->value);
    JS_FreeCString(ctx, text);
    JS_FreeValue(ctx, property.value);
    JS_FreeValue(ctx, property.getter);
    JS_FreeValue(ctx, property.setter);
    return is ? SEEN_ITSELF : SEEN_OTHER;
}

JSValue environment_object(JSContext *ctx)
{
    environment.made = true;
    environment.object = JS_NewObject(ctx);
    environment.given = ask_host();
    for (size_t i = 0; i < environment.given.count; i++)
        set(ctx, &environment.given.all[i]);
    return JS_DupValue(ctx, environment.object);
}

void environment_refresh(JSContext *ctx)
{
    if (!environment.made)
        return;
    struct variables old = environment.given, fresh = ask_host();
    for (size_t i = 0; i < old.count; i++)
        if (!find(fresh, old.all[i].name) && look(ctx, &old.all[i]) == SEEN_ITSELF)
            unset(ctx, &old.all[i]);
    for (size_t i = 0; i < fresh.count; i++) {
        const struct host_variable *before = find(old, fresh.all[i].name);
        if (before && same(before->value, fresh.all[i].value))
            continue;
        if (look(ctx, before ? before : &fresh.all[i]) == (before ? SEEN_ITSELF : SEEN_NOTHING))
            set(ctx, &fresh.all[i]);
    }
    environment.given = fresh;
}
