/* The canonical ABI of world `interpreter`, by hand: it is a dozen signatures, and no generator is worth its weight here.
 *
 * A string or list is a pointer and a length. What does not fit one return value goes through a return area whose address
 * is the last parameter. Memory that the host fills is asked for by calling `cabi_realloc`. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#define IMPORT(interface, function) \
    __attribute__((import_module("hks:function/" interface "@0.1.0"), import_name(function)))

IMPORT("output", "write-log") extern void import_write_log(int32_t to, const char *text, size_t length);
IMPORT("output", "publish") extern void import_publish(const char *formats, size_t length, void *result);
IMPORT("clock", "now") extern uint64_t import_now(void);
IMPORT("clock", "monotonic") extern uint64_t import_monotonic(void);
IMPORT("clock", "sleep") extern void import_sleep(uint64_t nanoseconds);
IMPORT("clock", "remaining") extern uint64_t import_remaining(void);
IMPORT("entropy", "random-bytes") extern void import_random_bytes(uint32_t length, struct host_text *result);
IMPORT("environment", "variables") extern void import_variables(void *result);

enum { LOG_BYTES_MAX = 262144 }; /* a call; the host ends a run that hands it more than its output limit allows */
enum { RANDOM_BYTES_MAX = 65536 }; /* a call; the host traps on more */

/* The host allocates what it passes in. One byte more, zero, because QuickJS wants its sources terminated. */
__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t alignment, size_t size)
{
    (void)old_size, (void)alignment; /* malloc aligns to 8, the most that our types need */
    char *bytes = realloc(old, size + 1);
    if (!bytes)
        __builtin_trap(); /* the ABI has no way to refuse; the host's limiter noted why */
    bytes[size] = 0;
    return bytes;
}

/* In pieces that end between characters: the host takes a bounded amount at once. */
void host_write_log(enum host_log to, const char *text, size_t length)
{
    while (length > LOG_BYTES_MAX) {
        size_t piece = LOG_BYTES_MAX;
        while (((unsigned char)text[piece] & 0xc0) == 0x80)
            piece--;
        import_write_log(to, text, piece);
        text += piece;
        length -= piece;
    }
    import_write_log(to, text, length);
}

bool host_publish(const char *formats, size_t length, struct host_text *why)
{
    struct {
        uint8_t is_error;
        struct host_text error;
    } result;
    import_publish(formats, length, &result);
    *why = result.error;
    return !result.is_error;
}

uint64_t host_now_ns(void) { return import_now(); }
uint64_t host_monotonic_ns(void) { return import_monotonic(); }
void host_sleep_ns(uint64_t nanoseconds) { import_sleep(nanoseconds); }
uint64_t host_remaining_ms(void) { return import_remaining(); }

void host_random(void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        size_t chunk = length - done < RANDOM_BYTES_MAX ? length - done : RANDOM_BYTES_MAX;
        struct host_text fresh;
        import_random_bytes(chunk, &fresh);
        memcpy((char *)bytes + done, fresh.bytes, chunk);
        free(fresh.bytes);
        done += chunk;
    }
}

struct host_variable *host_environment(size_t *count)
{
    struct {
        struct host_variable *variables;
        size_t count;
    } result;
    import_variables(&result);
    *count = result.count;
    return result.variables;
}
