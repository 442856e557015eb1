/* The user's source as a value that the engine can run: an ES module, or a script whose value is the CommonJS wrapper. */
#ifndef HKS_COMPILE_H
#define HKS_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* Compiles `code`, which is followed by a zero byte, without running it. JS_EXCEPTION with an exception pending. */
JSValue compile_source(JSContext *ctx, const char *code, size_t length);

bool compile_is_module(JSValueConst compiled);

/* The bytes of what compile_source gave, or NULL with an exception pending. */
uint8_t *compile_write(JSContext *ctx, JSValueConst compiled, size_t *size);

/* What compile_write wrote in this very build of the guest. Other bytes are refused by a version and a checksum. Whoever
 * forges both can corrupt this instance's memory, which is confined; but only the host hands bytes in, and only its own. */
JSValue compile_read(JSContext *ctx, const uint8_t *bytes, size_t size);

#endif
