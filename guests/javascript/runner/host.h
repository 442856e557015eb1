/* What the host offers (the imports of world `interpreter` in wit/function.wit), as plain C.
 *
 * None of it may be called while the snapshot is made: there is no host then. */
#ifndef HKS_HOST_H
#define HKS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list or string of the canonical ABI. The memory is ours and comes from malloc. */
struct host_text {
    char *bytes;
    size_t length;
};

struct host_variable {
    struct host_text name, value;
};

enum host_log { HOST_STDOUT, HOST_STDERR };

/* `text` has to be valid UTF-8, as for everything that is handed to the host; see text.h. */
void host_write_log(enum host_log to, const char *text, size_t length);

/* False when the host refuses; `why` then holds its reason, to be freed. */
bool host_publish(const char *formats, size_t length, struct host_text *why);

uint64_t host_now_ns(void);
uint64_t host_monotonic_ns(void);
void host_sleep_ns(uint64_t nanoseconds);
uint64_t host_remaining_ms(void);

void host_random(void *bytes, size_t length);

/* Sets `variables` to `*count` entries, to be kept or freed by the caller. */
struct host_variable *host_environment(size_t *count);

#endif
