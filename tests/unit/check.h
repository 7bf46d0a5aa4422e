/* SPDX-License-Identifier: Apache-2.0 */
/* The whole test framework: CHECK() says what was false and where, and goes on; main returns
 * check_done(). Each test program stands beside one source file's subject. */
#ifndef STOA_TEST_CHECK_H
#define STOA_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CHECK_SHARED /* a program of several files: one of them defines the two */
extern int check_failed, check_count;
#else
static int check_failed, check_count;
#endif

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		check_count++;                                                                     \
		if (!(cond)) {                                                                     \
			check_failed++;                                                            \
			fprintf(stderr, "%s:%d: false: %s\n", __FILE__, __LINE__, #cond);          \
		}                                                                                  \
	} while (0)

#define CHECK_INT(a, b)                                                                            \
	do {                                                                                       \
		long long check_a = (long long)(a), check_b = (long long)(b);                      \
		check_count++;                                                                     \
		if (check_a != check_b) {                                                          \
			check_failed++;                                                            \
			fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #a,   \
				check_a, check_b);                                                 \
		}                                                                                  \
	} while (0)

#define CHECK_STR(a, b)                                                                            \
	do {                                                                                       \
		const char *check_a = (a), *check_b = (b);                                         \
		check_count++;                                                                     \
		if (!check_a || strcmp(check_a, check_b) != 0) {                                   \
			check_failed++;                                                            \
			fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__,   \
				#a, check_a ? check_a : "(null)", check_b);                        \
		}                                                                                  \
	} while (0)

static inline int check_done(void)
{
	fprintf(stderr, "%d checks, %d failed\n", check_count, check_failed);
	return check_failed || !check_count ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
