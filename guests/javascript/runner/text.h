/* Text at the border between JavaScript's UTF-16 and everybody else's UTF-8. */
#ifndef HKS_TEXT_H
#define HKS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quickjs.h"

/* The UTF-8 of a value's string, valid: a lone surrogate has become U+FFFD. To be freed with JS_FreeCString; NULL when an
 * exception is pending. */
const char *text_of(JSContext *ctx, JSValueConst value, size_t *length);

/* Replaces in place each lone surrogate that QuickJS wrote as three bytes. */
void text_make_valid(char *bytes, size_t length);

/* TextDecoder's UTF-8: every maximal ill-formed part becomes U+FFFD, or with `fatal` a TypeError. */
JSValue text_decode_utf8(JSContext *ctx, const uint8_t *bytes, size_t length, bool fatal);

/* How many bytes at the end begin a character that could still be completed: 0 to 3. */
size_t text_incomplete_tail(const uint8_t *bytes, size_t length);

/* TextEncoder's encodeInto: copies whole characters of valid UTF-8 that fit, and says how many UTF-16 units they were. */
size_t text_copy_whole(uint8_t *to, size_t room, const char *from, size_t length, size_t *units);

#endif
