// What the same arithmetic costs on this machine with nothing around it: the system's libraries and
// a plain loop. The figures of the product are printed beside these, from the same run.
#ifndef MACHINE_FLOOR_H
#define MACHINE_FLOOR_H

#include <stddef.h>
#include <stdint.h>

// Adds `keys` AES-256-CTR keystreams to `vector`, block by block over all keys. Returns 0, or -1 when
// OpenSSL refuses.
int floor_add_keystreams(uint32_t *vector, size_t count, int keys);

// Adds `addend` to `sum`, element by element modulo 2^32.
void floor_add_vector(uint32_t *sum, const uint32_t *addend, size_t count);

// Writes `bytes` bytes of one AES-256-CTR keystream, 8 KiB at a time, and drops them.
int floor_keystream(size_t bytes);

// BLAKE2b-256 of `count` bytes by libsodium.
int floor_hash(uint8_t digest[32], const uint8_t *bytes, size_t count);

#endif
