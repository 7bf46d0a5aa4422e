/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_HASH_H
#define STOA_CORE_HASH_H

#include <stdint.h>
#include <stddef.h>

/* SipHash-2-4 under a given key: what stoa_hash() is with the key of the process. */
uint64_t siphash24(const uint64_t key[2], const void *p, size_t n);

#endif
