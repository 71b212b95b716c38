#include "machine_floor.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

// As many bytes as stay in the first-level cache with the part of the vector they are added to.
enum { BLOCK_BYTES = 8192, BLOCK_WORDS = BLOCK_BYTES / 4 };

static EVP_CIPHER_CTX *keystream(int number) {
  uint8_t key[32] = {0}, counter[16] = {0};
  key[0] = (uint8_t)number;
  key[1] = (uint8_t)(number >> 8);
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  if (context && EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, key, counter) != 1) {
    EVP_CIPHER_CTX_free(context);
    return NULL;
  }
  return context;
}

int floor_add_keystreams(uint32_t *vector, size_t count, int keys) {
  static const uint8_t zeros[BLOCK_BYTES];
  static uint32_t words[BLOCK_WORDS];
  EVP_CIPHER_CTX **contexts = calloc((size_t)keys, sizeof *contexts);
  int status = contexts ? 0 : -1;
  for (int key = 0; status == 0 && key < keys; key++) {
    contexts[key] = keystream(key);
    if (!contexts[key]) status = -1;
  }
  for (size_t start = 0; status == 0 && start < count; start += BLOCK_WORDS) {
    size_t length = count - start < BLOCK_WORDS ? count - start : BLOCK_WORDS;
    uint32_t *block = vector + start;
    for (int key = 0; key < keys; key++) {
      int written = 0;
      if (EVP_EncryptUpdate(
            contexts[key], (uint8_t *)words, &written, zeros, (int)(4 * length)) != 1)
        status = -1;
      for (size_t index = 0; index < length; index++) block[index] += words[index];
    }
  }
  for (int key = 0; contexts && key < keys; key++) EVP_CIPHER_CTX_free(contexts[key]);
  free(contexts);
  return status;
}

void floor_add_vector(uint32_t *sum, const uint32_t *addend, size_t count) {
  for (size_t index = 0; index < count; index++) sum[index] += addend[index];
}

int floor_keystream(size_t bytes) {
  static const uint8_t zeros[BLOCK_BYTES];
  static uint8_t block[BLOCK_BYTES];
  EVP_CIPHER_CTX *context = keystream(0);
  int status = context ? 0 : -1;
  for (size_t done = 0; status == 0 && done < bytes; done += BLOCK_BYTES) {
    int written = 0;
    if (EVP_EncryptUpdate(context, block, &written, zeros, BLOCK_BYTES) != 1) status = -1;
  }
  EVP_CIPHER_CTX_free(context);
  return status;
}

int floor_hash(uint8_t digest[32], const uint8_t *bytes, size_t count) {
  if (sodium_init() < 0) return -1;
  return crypto_generichash_blake2b(digest, 32, bytes, count, NULL, 0);
}
