/* See text.h. The decoder follows https://encoding.spec.whatwg.org/#utf-8-decoder. */
#include "text.h"

#include <stdlib.h>
#include <string.h>

enum { SURROGATE_LEAD_BYTE = 0xED, REPLACEMENT = 0xFFFD };

void text_make_valid(char *bytes, size_t length)
{
    unsigned char *at = (unsigned char *)bytes, *end = at + length;
    while ((at = memchr(at, SURROGATE_LEAD_BYTE, (size_t)(end - at)))) {
        if (end - at >= 3 && at[1] >= 0xA0)
            memcpy(at, "\xEF\xBF\xBD", 3);
        at++;
    }
}

const char *text_of(JSContext *ctx, JSValueConst value, size_t *length)
{
    const char *bytes = JS_ToCStringLen(ctx, length, value);
    if (bytes)
        text_make_valid((char *)bytes, *length); /* only non-ASCII text is changed, and that is a copy of the string */
    return bytes;
}

/* What may follow a lead byte: how many bytes, and the range of the first of them. */
struct sequence {
    uint8_t following, low, high;
};

static struct sequence sequence_after(uint8_t lead)
{
    if (lead < 0xC2 || lead > 0xF4)
        return (struct sequence){0};
    if (lead < 0xE0)
        return (struct sequence){1, 0x80, 0xBF};
    if (lead < 0xF0)
        return (struct sequence){2, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    return (struct sequence){3, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
}

/* How many bytes from `at` on belong together: a whole character, or the longest beginning of one. */
static size_t measure(const uint8_t *at, const uint8_t *end, bool *whole)
{
    struct sequence sequence = sequence_after(*at);
    size_t have = 1;
    while (have <= sequence.following && at + have < end) {
        uint8_t low = have == 1 ? sequence.low : 0x80, high = have == 1 ? sequence.high : 0xBF;
        if (at[have] < low || at[have] > high)
            break;
        have++;
    }
    *whole = *at < 0x80 || (sequence.following && have == 1u + sequence.following);
    return have;
}

size_t text_incomplete_tail(const uint8_t *bytes, size_t length)
{
    for (size_t back = 1; back <= 3 && back <= length; back++) {
        const uint8_t *at = bytes + length - back;
        struct sequence sequence = sequence_after(*at);
        if (!sequence.following)
            continue;
        bool whole;
        return measure(at, bytes + length, &whole) == back && !whole ? back : 0;
    }
    return 0;
}

static bool is_ascii(const uint8_t *bytes, size_t length)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= bytes[i];
    return seen < 0x80;
}

static uint32_t code_point(const uint8_t *at, size_t size)
{
    static const uint8_t lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t value = at[0] & lead_bits[size];
    for (size_t i = 1; i < size; i++)
        value = value << 6 | (at[i] & 0x3F);
    return value;
}

static size_t put_utf16(uint16_t *to, uint32_t point)
{
    if (point < 0x10000) {
        to[0] = (uint16_t)point;
        return 1;
    }
    to[0] = (uint16_t)(0xD7C0 + (point >> 10));
    to[1] = (uint16_t)(0xDC00 | (point & 0x3FF));
    return 2;
}

JSValue text_decode_utf8(JSContext *ctx, const uint8_t *bytes, size_t length, bool fatal)
{
    if (is_ascii(bytes, length))
        return JS_NewStringLen(ctx, (const char *)bytes, length);
    uint16_t *units = malloc(length * sizeof(*units)); /* no sequence yields more units than it has bytes */
    if (!units)
        return JS_ThrowOutOfMemory(ctx);
    size_t count = 0;
    for (const uint8_t *at = bytes, *end = bytes + length; at < end;) {
        bool whole;
        size_t size = measure(at, end, &whole);
        if (!whole && fatal) {
            free(units);
            return JS_ThrowTypeError(ctx, "the encoded data is not valid UTF-8 (byte %zu)", (size_t)(at - bytes));
        }
        count += put_utf16(units + count, whole ? code_point(at, size) : REPLACEMENT);
        at += size;
    }
    JSValue text = JS_NewStringUTF16(ctx, units, count);
    free(units);
    return text;
}

size_t text_copy_whole(uint8_t *to, size_t room, const char *from, size_t length, size_t *units)
{
    size_t done = 0;
    *units = 0;
    while (done < length) {
        uint8_t lead = (uint8_t)from[done];
        size_t size = lead < 0x80 ? 1 : 1u + sequence_after(lead).following;
        if (size > room - done)
            break;
        memcpy(to + done, from + done, size);
        done += size;
        *units += size == 4 ? 2 : 1;
    }
    return done;
}
