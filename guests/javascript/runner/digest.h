/* SHA-1, SHA-256, SHA-384, SHA-512 (FIPS 180-4) and HMAC (RFC 2104) over them. */
#ifndef HKS_DIGEST_H
#define HKS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

enum digest_algorithm { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_COUNT };

enum { DIGEST_BYTES_MAX = 64 };

/* Writes the digest to `out` and returns its size in bytes. */
size_t digest_hash(enum digest_algorithm algorithm, const uint8_t *bytes, size_t length, uint8_t *out);
size_t digest_hmac(enum digest_algorithm algorithm, const uint8_t *key, size_t key_length, const uint8_t *bytes,
                   size_t length, uint8_t *out);

#endif
