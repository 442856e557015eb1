/* The user's source: evaluate it and find its handler. */
#ifndef HKS_PROGRAM_H
#define HKS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

struct source {
    const char *code; /* followed by a zero byte */
    size_t length;
    const uint8_t *compiled; /* what compile_write made of it, to be evaluated in its place; or NULL */
    size_t compiled_length;
};

struct program {
    JSValue handler;  /* callable */
    JSValue receiver; /* its `this`: the object that it was found in, or undefined */
};

/* Once, when the snapshot is made. */
void program_initialise(JSRuntime *rt);

/* Evaluates the source's top level. False with an exception pending. */
bool program_load(JSContext *ctx, const struct source *source, struct program *program);

#endif
