/* SPDX-License-Identifier: Apache-2.0 */
#include <stoa/util.h>

#include "check.h"
#include "hash.h"

int main(void)
{
	/* Appendix A of the SipHash paper: key 00..0f, input 00..0e; and the first vectors of the
	 * authors' table, inputs of growing length. */
	static const uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const uint64_t vectors[] = { 0x726fdb47dd0e0e31, 0x74f839c593dc67fd,
					    0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
					    0xcf2794e0277187b7, 0x18765564cd99a68d,
					    0xcbc9466e58fee3ce, 0xab0200f58b01d137,
					    0x93f5f5799a932462 };
	uint8_t in[15];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	CHECK(siphash24(key, in, 15) == 0xa129ca6149be45e5);
	for (size_t n = 0; n < STOA_ARRAY_SIZE(vectors); n++)
		CHECK(siphash24(key, in, n) == vectors[n]);
	CHECK(stoa_hash("a", 1) == stoa_hash("a", 1));
	CHECK(stoa_hash("a", 1) != stoa_hash("b", 1));
	CHECK(stoa_hash(NULL, 0) == stoa_hash("", 0));
	return check_done();
}
