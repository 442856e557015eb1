/* See digest.h. In C because the engine interprets: a hash in JavaScript would take a hundred times as long.
 *
 * Input is at hand as a whole; there is no incremental interface except for the two parts of an HMAC. */
#include "digest.h"

#include <string.h>

enum { BLOCK_MAX = 128 };

struct hash {
    enum digest_algorithm algorithm;
    uint64_t state[8]; /* of the 32-bit algorithms only the lower halves are used */
    uint64_t total;
    size_t buffered;
    uint8_t block[BLOCK_MAX];
};

static const uint64_t ROUND_512[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

static const struct {
    size_t block, digest;
    uint64_t initial[8];
} ALGORITHMS[DIGEST_COUNT] = {
    [DIGEST_SHA1] = {64, 20, {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}},
    [DIGEST_SHA256] = {64, 32, {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
                                0x5be0cd19}},
    [DIGEST_SHA384] = {128, 48, {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                 0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4}},
    [DIGEST_SHA512] = {128, 64, {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}},
};

static uint32_t left32(uint32_t x, int by) { return x << by | x >> (32 - by); }
static uint32_t right32(uint32_t x, int by) { return x >> by | x << (32 - by); }
static uint64_t right64(uint64_t x, int by) { return x >> by | x << (64 - by); }

static uint64_t load_big_endian(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static void store_big_endian(uint8_t *at, int bytes, uint64_t value)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static void compress_sha1(uint64_t *state, const uint8_t *block)
{
    uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)load_big_endian(block + 4 * i, 4);
    for (int i = 16; i < 80; i++)
        w[i] = left32(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = left32(a, 5) + f + e + w[i];
        e = d, d = c, c = left32(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void compress_sha256(uint64_t *state, const uint8_t *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)load_big_endian(block + 4 * i, 4);
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = right32(w[i - 15], 7) ^ right32(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = right32(w[i - 2], 17) ^ right32(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (int i = 0; i < 8; i++)
        v[i] = (uint32_t)state[i];
    for (int i = 0; i < 64; i++) {
        uint32_t s1 = right32(v[4], 6) ^ right32(v[4], 11) ^ right32(v[4], 25);
        uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        /* its constants are the upper halves of the first 64 of SHA-512 */
        uint32_t t1 = v[7] + s1 + choice + (uint32_t)(ROUND_512[i] >> 32) + w[i];
        uint32_t s0 = right32(v[0], 2) ^ right32(v[0], 13) ^ right32(v[0], 22);
        uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void compress_sha512(uint64_t *state, const uint8_t *block)
{
    uint64_t w[80], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = load_big_endian(block + 8 * i, 8);
    for (int i = 16; i < 80; i++) {
        uint64_t s0 = right64(w[i - 15], 1) ^ right64(w[i - 15], 8) ^ w[i - 15] >> 7;
        uint64_t s1 = right64(w[i - 2], 19) ^ right64(w[i - 2], 61) ^ w[i - 2] >> 6;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, state, sizeof(v));
    for (int i = 0; i < 80; i++) {
        uint64_t s1 = right64(v[4], 14) ^ right64(v[4], 18) ^ right64(v[4], 41);
        uint64_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint64_t t1 = v[7] + s1 + choice + ROUND_512[i] + w[i];
        uint64_t s0 = right64(v[0], 28) ^ right64(v[0], 34) ^ right64(v[0], 39);
        uint64_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void compress(struct hash *hash, const uint8_t *block)
{
    switch (hash->algorithm) {
    case DIGEST_SHA1:
        compress_sha1(hash->state, block);
        break;
    case DIGEST_SHA256:
        compress_sha256(hash->state, block);
        break;
    default:
        compress_sha512(hash->state, block);
    }
}

static void begin(struct hash *hash, enum digest_algorithm algorithm)
{
    hash->algorithm = algorithm;
    hash->total = 0;
    hash->buffered = 0;
    memcpy(hash->state, ALGORITHMS[algorithm].initial, sizeof(hash->state));
}

static void update(struct hash *hash, const uint8_t *bytes, size_t length)
{
    size_t block = ALGORITHMS[hash->algorithm].block;
    hash->total += length;
    while (length > 0) {
        if (hash->buffered == 0 && length >= block) {
            compress(hash, bytes);
            bytes += block, length -= block;
            continue;
        }
        size_t part = block - hash->buffered < length ? block - hash->buffered : length;
        memcpy(hash->block + hash->buffered, bytes, part);
        hash->buffered += part, bytes += part, length -= part;
        if (hash->buffered == block) {
            compress(hash, hash->block);
            hash->buffered = 0;
        }
    }
}

static size_t finish(struct hash *hash, uint8_t *out)
{
    static const uint8_t PADDING[BLOCK_MAX] = {0x80};
    size_t block = ALGORITHMS[hash->algorithm].block, digest = ALGORITHMS[hash->algorithm].digest;
    size_t length_field = block / 8;
    int word = block == 128 ? 8 : 4;
    uint64_t bits = hash->total * 8;
    update(hash, PADDING, 1);
    if (hash->buffered > block - length_field)
        update(hash, PADDING + 1, block - hash->buffered);
    /* The upper half of SHA-512's length field stays zero: no input here has 2^61 bytes. */
    update(hash, PADDING + 1, block - 8 - hash->buffered);
    uint8_t field[8];
    store_big_endian(field, 8, bits);
    update(hash, field, 8);
    uint8_t full[DIGEST_BYTES_MAX];
    for (int i = 0; i < 8; i++)
        store_big_endian(full + i * word, word, hash->state[i]);
    memcpy(out, full, digest);
    return digest;
}

size_t digest_hash(enum digest_algorithm algorithm, const uint8_t *bytes, size_t length, uint8_t *out)
{
    struct hash hash;
    begin(&hash, algorithm);
    update(&hash, bytes, length);
    return finish(&hash, out);
}

size_t digest_hmac(enum digest_algorithm algorithm, const uint8_t *key, size_t key_length, const uint8_t *bytes,
                   size_t length, uint8_t *out)
{
    size_t block = ALGORITHMS[algorithm].block;
    uint8_t inner[BLOCK_MAX] = {0}, outer[BLOCK_MAX];
    if (key_length > block)
        digest_hash(algorithm, key, key_length, inner);
    else
        memcpy(inner, key, key_length);
    for (size_t i = 0; i < block; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    struct hash hash;
    begin(&hash, algorithm);
    update(&hash, inner, block);
    update(&hash, bytes, length);
    size_t digest = finish(&hash, out);
    begin(&hash, algorithm);
    update(&hash, outer, block);
    update(&hash, out, digest);
    return finish(&hash, out);
}
