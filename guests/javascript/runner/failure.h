/* An exception that nobody caught, as the host is told of it. */
#ifndef HKS_FAILURE_H
#define HKS_FAILURE_H

#include <stddef.h>

#include "quickjs.h"

struct failure_text {
    const char *bytes;
    size_t length;
};

/* The record `failure` of wit/function.wit. */
struct failure {
    struct failure_text name, value, traceback;
};

/* Takes the pending exception. Never fails: what cannot be described is described as that. */
struct failure failure_take(JSContext *ctx, const char *code, size_t length);

#endif
