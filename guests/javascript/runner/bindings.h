/* The functions in C that the prelude is built on. */
#ifndef HKS_BINDINGS_H
#define HKS_BINDINGS_H

#include "quickjs.h"

/* A new object that holds them. Only the prelude ever sees it; prelude/native.js lists what is in it. */
JSValue bindings_new(JSContext *ctx);

#endif
