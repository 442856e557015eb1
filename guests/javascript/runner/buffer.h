/* A growing run of bytes. Once an allocation failed it stays failed, so callers check once, at the end. */
#ifndef HKS_BUFFER_H
#define HKS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
    bool failed; /* out of memory; the content is no longer complete */
};

void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_append_text(struct buffer *buffer, const char *text);
void buffer_append_byte(struct buffer *buffer, char byte);
void buffer_free(struct buffer *buffer);

#endif
