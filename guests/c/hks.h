/*
 * hks.h: makes a C or C++ program a function of HKS Functions. C99, nothing but the C library, everything in this file.
 *
 *     #include "hks.h"
 *
 *     int main(void) {
 *         double input = hks_number(hks_get(hks_event(), "input"), 0);
 *         hks_text out = {0};
 *         hks_put(&out, "{\"result\":");
 *         hks_put_number(&out, input * 2);
 *         hks_put(&out, "}");
 *         return hks_return(&out);
 *     }
 *
 * The program is a command for WASI 0.1: the event comes on standard input, the value leaves on standard output, logs leave on
 * standard error. So do not print to standard output: what is there besides the value makes a text of both. hks_log() logs.
 *
 * Events and bodies are foreign. hks_parse() checks a whole text once; whatever was got from its result can be read without a
 * check, and what is not there or of another type gives the value that the caller names. Memory that runs out ends the program
 * with a MemoryError; nothing here returns a null pointer for it.
 */
#ifndef HKS_H
#define HKS_H

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) || defined(__clang__)
#define HKS_NORETURN __attribute__((__noreturn__))
#define HKS_FORMAT(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define HKS_NORETURN
#define HKS_FORMAT(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    HKS_FAILURE_EXIT = 70,                    /* says that the last line on standard error is a failure */
    HKS_MESSAGE_BYTES_MAX = 8 << 10,          /* escaped, it still fits into the 64 KiB that the host reads */
    HKS_NAME_BYTES_MAX = 256,
    HKS_EVENT_BYTES_MAX = 64 << 20,           /* several times what the host sends */
    HKS_DEPTH_MAX = 256                       /* of a JSON text: bounds the recursion */
};

/* --- failing and logging ------------------------------------------------------------------------------------------- */

/* One character of a JSON string: how many bytes of `text` it takes, and how it is written. */
static inline size_t hks__escape(const char *text, size_t length, char out[8]) {
    const unsigned char *at = (const unsigned char *)text;
    size_t wanted = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
    size_t index;
    if (at[0] < 0x20 || at[0] == 0x7f) {
        (void)snprintf(out, 8, "\\u%04x", (unsigned)at[0]);
        return 1;
    }
    if (at[0] == '"' || at[0] == '\\') {
        (void)snprintf(out, 8, "\\%c", at[0]);
        return 1;
    }
    for (index = 1; index < wanted; index++) {
        if (index >= length || (at[index] & 0xc0) != 0x80) wanted = 0;
    }
    /* what UTF-8 spells in too many bytes, and halves of surrogate pairs */
    if (wanted == 3 && ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f))) wanted = 0;
    if (wanted == 4 && ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))) wanted = 0;
    if (wanted == 0) {
        memcpy(out, "\xef\xbf\xbd", 4); /* U+FFFD */
        return 1;
    }
    memcpy(out, text, wanted);
    out[wanted] = 0;
    return wanted;
}

static inline void hks__fail_string(const char *text, size_t bytes_max) {
    const char *end = (const char *)memchr(text, 0, bytes_max);
    size_t length = end ? (size_t)(end - text) : bytes_max;
    char out[8];
    (void)fputc('"', stderr);
    while (length > 0) {
        size_t taken = hks__escape(text, length, out);
        (void)fputs(out, stderr);
        text += taken;
        length -= taken;
    }
    (void)fputc('"', stderr);
}

/* Ends the program: the execution has failed with that name, such as "OutOfStock", and a message for people. */
HKS_NORETURN HKS_FORMAT(2, 3) static inline void hks_fail(const char *name, const char *format, ...) {
    static char message[HKS_MESSAGE_BYTES_MAX]; /* memory may be what ran out */
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(message, sizeof message, format, arguments) < 0) message[0] = 0;
    va_end(arguments);
    (void)fputs("hks-failure: {\"name\":", stderr);
    hks__fail_string(name, HKS_NAME_BYTES_MAX);
    (void)fputs(",\"value\":", stderr);
    hks__fail_string(message, sizeof message);
    (void)fputs(",\"traceback\":\"\"}\n", stderr);
    exit(HKS_FAILURE_EXIT);
}

/* A line of the logs. */
HKS_FORMAT(1, 2) static inline void hks_log(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
}

static inline void *hks__memory(void *old, size_t bytes) {
    void *memory = realloc(old, bytes);
    if (!memory) hks_fail("MemoryError", "out of memory: %zu bytes more are not there", bytes);
    return memory;
}

/* --- reading JSON -------------------------------------------------------------------------------------------------- */

/* A JSON value inside a longer text that stays where it is; {0} if there is none. */
typedef struct hks_json {
    const char *text;
    size_t length;
} hks_json;

typedef enum hks_type {
    HKS_NONE,
    HKS_NULL,
    HKS_BOOLEAN,
    HKS_NUMBER,
    HKS_STRING,
    HKS_ARRAY,
    HKS_OBJECT
} hks_type;

static inline const char *hks__space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

static inline int hks__hex(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/* The four digits of \uXXXX; -1 if there are none. */
static inline long hks__unit(const char *at, const char *end) {
    long unit = 0;
    int index;
    if (end - at < 4) return -1;
    for (index = 0; index < 4; index++) {
        int digit = hks__hex(at[index]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* These three return where what begins at `at` has ended, or null if it is not what it should be. */
static inline const char *hks__scan_string(const char *at, const char *end) {
    if (at >= end || *at++ != '"') return NULL;
    while (at < end && *at != '"') {
        if ((unsigned char)*at < 0x20) return NULL;
        if (*at++ != '\\') continue;
        if (at >= end || *at == 0 || !strchr("\"\\/bfnrtu", *at)) return NULL;
        if (*at++ == 'u' && hks__unit(at, end) < 0) return NULL;
    }
    return at < end ? at + 1 : NULL;
}

static inline const char *hks__scan_digits(const char *at, const char *end) {
    const char *first = at;
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at > first ? at : NULL;
}

static inline const char *hks__scan_number(const char *at, const char *end) {
    if (at < end && *at == '-') at++;
    at = at < end && *at == '0' ? at + 1 : hks__scan_digits(at, end);
    if (at && at < end && *at == '.') at = hks__scan_digits(at + 1, end);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-')) at++;
        at = hks__scan_digits(at, end);
    }
    return at;
}

static inline const char *hks__scan_word(const char *at, const char *end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

static inline const char *hks__scan(const char *at, const char *end, int depth) {
    char closing;
    if (at >= end || depth > HKS_DEPTH_MAX) return NULL;
    if (*at == '"') return hks__scan_string(at, end);
    if (*at == 't') return hks__scan_word(at, end, "true");
    if (*at == 'f') return hks__scan_word(at, end, "false");
    if (*at == 'n') return hks__scan_word(at, end, "null");
    if (*at != '{' && *at != '[') return hks__scan_number(at, end);
    closing = *at == '{' ? '}' : ']';
    at = hks__space(at + 1, end);
    if (at < end && *at == closing) return at + 1;
    for (;;) {
        if (closing == '}') {
            at = hks__scan_string(at, end);
            at = at ? hks__space(at, end) : end;
            if (at >= end || *at != ':') return NULL;
            at = hks__space(at + 1, end);
        }
        at = hks__scan(at, end, depth + 1);
        at = at ? hks__space(at, end) : end;
        if (at >= end) return NULL;
        if (*at == closing) return at + 1;
        if (*at != ',') return NULL;
        at = hks__space(at + 1, end);
    }
}

/* The value that a text is; {0} if it is not one, or nested deeper than HKS_DEPTH_MAX. Does not copy: the text must stay. */
static inline hks_json hks_parse(const char *text, size_t length) {
    hks_json value = {0, 0};
    const char *end = text + length, *first, *after;
    if (!text) return value;
    first = hks__space(text, end);
    after = hks__scan(first, end, 0);
    if (!after || hks__space(after, end) != end) return value;
    value.text = first;
    value.length = (size_t)(after - first);
    return value;
}

static inline hks_type hks_type_of(hks_json value) {
    switch (value.text ? *value.text : 0) {
    case 0: return HKS_NONE;
    case '{': return HKS_OBJECT;
    case '[': return HKS_ARRAY;
    case '"': return HKS_STRING;
    case 'n': return HKS_NULL;
    case 't':
    case 'f': return HKS_BOOLEAN;
    default: return HKS_NUMBER;
    }
}

/* Walks through the items of an array or the members of an object: 1 for each, then 0.
 *
 *     hks_json name = {0}, value = {0};
 *     while (hks_next(object, &name, &value)) { ... }
 *
 * Names are strings; for arrays `name` may be null. */
static inline int hks_next(hks_json container, hks_json *name, hks_json *value) {
    hks_type type = hks_type_of(container);
    const char *at, *end = container.text + container.length, *after;
    if (type != HKS_ARRAY && type != HKS_OBJECT) return 0;
    at = hks__space(value->text ? value->text + value->length : container.text + 1, end);
    if (at < end && *at == ',') at = hks__space(at + 1, end);
    if (at >= end || *at == '}' || *at == ']') return 0;
    if (type == HKS_OBJECT) {
        after = hks__scan_string(at, end);
        if (!after) return 0; /* was not parsed */
        if (name) {
            name->text = at;
            name->length = (size_t)(after - at);
        }
        at = hks__space(after, end);
        at = at < end ? hks__space(at + 1, end) : end;
    }
    after = hks__scan(at, end, 0);
    if (!after) return 0;
    value->text = at;
    value->length = (size_t)(after - at);
    return 1;
}

static inline size_t hks__utf8(char *out, unsigned long point) {
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3f));
        out[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 0x3f));
    out[2] = (char)(0x80 | (point >> 6 & 0x3f));
    out[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

/* What an escape stands for; `*at` is behind the backslash, and afterwards behind the escape. */
static inline unsigned long hks__unescape(const char **at, const char *end) {
    static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char kind = *(*at)++;
    const char *name = strchr(names, kind);
    long unit, low;
    if (kind != 'u') return name ? (unsigned char)meanings[name - names] : (unsigned char)kind;
    unit = hks__unit(*at, end);
    *at += 4;
    if (unit < 0xd800 || unit > 0xdfff) return (unsigned long)unit;
    low = unit < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hks__unit(*at + 2, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) return 0xfffd; /* half of a pair */
    *at += 6;
    return 0x10000UL + ((unsigned long)(unit - 0xd800) << 10) + (unsigned long)(low - 0xdc00);
}

/* The text of a string, with a zero at its end, in memory that free() takes; null if it is no string. A string may hold zeros
 * itself: `length`, unless null, is set to its bytes without the last one. */
static inline char *hks_string(hks_json value, size_t *length) {
    const char *at, *end;
    char *text, *out;
    if (length) *length = 0;
    if (hks_type_of(value) != HKS_STRING || value.length < 2) return NULL;
    at = value.text + 1;
    end = value.text + value.length - 1;
    text = out = (char *)hks__memory(NULL, value.length); /* no escape is shorter than what it stands for */
    while (at < end) {
        const char *next = (const char *)memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((next ? next : end) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (next) {
            at++;
            out += hks__utf8(out, hks__unescape(&at, end));
        }
    }
    *out = 0;
    if (length) *length = (size_t)(out - text);
    return text;
}

/* The member of an object; {0} if it has none of that name. The first of several. */
static inline hks_json hks_get(hks_json object, const char *wanted) {
    hks_json name = {0, 0}, value = {0, 0}, none = {0, 0};
    size_t length = strlen(wanted);
    if (hks_type_of(object) != HKS_OBJECT) return none;
    while (hks_next(object, &name, &value)) {
        if (!memchr(name.text, '\\', name.length)) {
            if (name.length == length + 2 && memcmp(name.text + 1, wanted, length) == 0) return value;
        } else {
            char *text = hks_string(name, NULL);
            int same = text && strcmp(text, wanted) == 0;
            free(text);
            if (same) return value;
        }
    }
    return none;
}

/* An item of an array; {0} if it has fewer. Takes as long as walking there. */
static inline hks_json hks_at(hks_json array, size_t index) {
    hks_json value = {0, 0}, none = {0, 0};
    if (hks_type_of(array) != HKS_ARRAY) return none;
    while (hks_next(array, NULL, &value)) {
        if (index-- == 0) return value;
    }
    return none;
}

/* A number; `otherwise` if it is none. */
static inline double hks_number(hks_json value, double otherwise) {
    char *text;
    double number;
    if (hks_type_of(value) != HKS_NUMBER) return otherwise;
    text = (char *)hks__memory(NULL, value.length + 1);
    memcpy(text, value.text, value.length);
    text[value.length] = 0;
    number = strtod(text, NULL);
    free(text);
    return number;
}

/* A whole number; `otherwise` if it is none, or not exactly one within 64 bits. */
static inline int64_t hks_integer(hks_json value, int64_t otherwise) {
    uint64_t magnitude = 0, max = INT64_MAX;
    size_t at = 0;
    int negative;
    if (hks_type_of(value) != HKS_NUMBER) return otherwise;
    negative = value.text[0] == '-';
    max += (uint64_t)negative;
    for (at = (size_t)negative; at < value.length; at++) {
        uint64_t digit = (uint64_t)(value.text[at] - '0');
        if (value.text[at] < '0' || value.text[at] > '9' || magnitude > (max - digit) / 10) return otherwise;
        magnitude = magnitude * 10 + digit;
    }
    return (int64_t)(negative ? 0 - magnitude : magnitude);
}

/* 1 or 0; `otherwise` if it is neither true nor false. */
static inline int hks_boolean(hks_json value, int otherwise) {
    return hks_type_of(value) == HKS_BOOLEAN ? *value.text == 't' : otherwise;
}

/* --- event and context --------------------------------------------------------------------------------------------- */

/* The event of this execution. Standard input is read once. */
static inline hks_json hks_event(void) {
    static char *text;
    static hks_json event;
    size_t length = 0, capacity = 0, got = 1;
    if (event.text) return event;
    while (got > 0) {
        if (length == capacity) {
            if (capacity >= HKS_EVENT_BYTES_MAX) hks_fail("InvalidEventError", "the event has more than 64 MiB");
            capacity = capacity ? capacity * 2 : 64 << 10;
            text = (char *)hks__memory(text, capacity);
        }
        got = fread(text + length, 1, capacity - length, stdin);
        length += got;
    }
    if (ferror(stdin)) hks_fail("InvalidEventError", "the event cannot be read");
    event = hks__space(text, text + length) == text + length ? hks_parse("null", 4) : hks_parse(text, length);
    if (!event.text) hks_fail("InvalidEventError", "the event is not JSON, or nested deeper than %d", HKS_DEPTH_MAX);
    return event;
}

/* An object with execution_id, attempt, function_name, function_version, project, trigger, deadline_ms (Unix time), scheduled_at
 * and memory_limit_mb. Empty where the program runs elsewhere. */
static inline hks_json hks_context(void) {
    const char *text = getenv("HKS_CONTEXT");
    hks_json context = {0, 0};
    if (text) context = hks_parse(text, strlen(text));
    return context.text ? context : hks_parse("{}", 2);
}

/* --- writing JSON -------------------------------------------------------------------------------------------------- */

/* A text that grows; begins as {0}. */
typedef struct hks_text {
    char *text;
    size_t length, capacity;
} hks_text;

static inline void hks_put_bytes(hks_text *to, const char *bytes, size_t length) {
    if (length > to->capacity - to->length) {
        size_t capacity = to->capacity ? to->capacity : 256;
        while (capacity - to->length < length) {
            if (capacity > SIZE_MAX / 2) hks_fail("MemoryError", "out of memory: the value is too long");
            capacity *= 2;
        }
        to->text = (char *)hks__memory(to->text, capacity);
        to->capacity = capacity;
    }
    if (length) memcpy(to->text + to->length, bytes, length);
    to->length += length;
}

/* JSON as it stands. */
static inline void hks_put(hks_text *to, const char *json) { hks_put_bytes(to, json, strlen(json)); }

/* A value that came in; null if there is none. */
static inline void hks_put_json(hks_text *to, hks_json value) {
    if (value.text) hks_put_bytes(to, value.text, value.length);
    else hks_put(to, "null");
}

/* A string of so many bytes. What is not UTF-8 becomes U+FFFD. */
static inline void hks_put_string_of(hks_text *to, const char *text, size_t length) {
    char out[8];
    hks_put(to, "\"");
    while (length > 0) {
        size_t taken = hks__escape(text, length, out);
        hks_put(to, out);
        text += taken;
        length -= taken;
    }
    hks_put(to, "\"");
}

/* A string up to its zero; null for a null pointer. */
static inline void hks_put_string(hks_text *to, const char *text) {
    if (text) hks_put_string_of(to, text, strlen(text));
    else hks_put(to, "null");
}

/* A number, in as many digits as it takes to read it back. */
static inline void hks_put_number(hks_text *to, double number) {
    char out[40];
    if (!isfinite(number)) hks_fail("InvalidResultError", "the result has a number that JSON cannot hold: %f", number);
    (void)snprintf(out, sizeof out, "%.15g", number);
    if (strtod(out, NULL) != number) (void)snprintf(out, sizeof out, "%.17g", number);
    hks_put(to, out);
}

static inline void hks_put_integer(hks_text *to, int64_t number) {
    char out[24];
    (void)snprintf(out, sizeof out, "%lld", (long long)number);
    hks_put(to, out);
}

/* --- the value ----------------------------------------------------------------------------------------------------- */

/* Hands over the value, which must be JSON, and frees it. Returns what main() has to return. */
static inline int hks_return(hks_text *value) {
    if (!hks_parse(value->text, value->length).text) hks_fail("InvalidResultError", "the result is not JSON");
    if (fwrite(value->text, 1, value->length, stdout) != value->length || fflush(stdout) != 0) {
        hks_fail("OSError", "the value cannot be written");
    }
    free(value->text);
    value->text = NULL;
    value->length = value->capacity = 0;
    return 0;
}

/* Answers an HTTP request; `body` is a text up to its zero. Returns what main() has to return. */
static inline int hks_respond(int status, const char *content_type, const char *body) {
    hks_text out = {0, 0, 0};
    hks_put(&out, "{\"statusCode\":");
    hks_put_integer(&out, status);
    hks_put(&out, ",\"headers\":{\"content-type\":");
    hks_put_string(&out, content_type);
    hks_put(&out, "},\"body\":");
    hks_put_string(&out, body);
    hks_put(&out, "}");
    return hks_return(&out);
}

#ifdef __cplusplus
}
#endif

#endif
