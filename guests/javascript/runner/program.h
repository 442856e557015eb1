/* The user's source: evaluate it and find its handler. */
#ifndef HKS_PROGRAM_H
#define HKS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "quickjs.h"

struct program {
    JSValue handler;  /* callable */
    JSValue receiver; /* its `this`: the object that it was found in, or undefined */
};

/* Once, when the snapshot is made. */
void program_initialise(JSRuntime *rt);

/* Evaluates `code`, which is followed by a zero byte. False with an exception pending. */
bool program_load(JSContext *ctx, const char *code, size_t length, struct program *program);

#endif
