/* JavaScript values to JSON text, refusing what JSON.stringify would lose without a word. */
#ifndef HKS_JSON_OUT_H
#define HKS_JSON_OUT_H

#include <stdbool.h>

#include "buffer.h"
#include "quickjs.h"

/* Once, when the snapshot is made. */
void json_initialise(JSContext *ctx);

/* Appends `value` to `out`. False with an exception pending: an InvalidResultError that names the offending part by its
 * path from `root`, or what a getter or toJSON of the value threw. */
bool json_write(JSContext *ctx, JSValueConst value, const char *root, struct buffer *out);

#endif
