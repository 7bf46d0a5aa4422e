/* SPDX-License-Identifier: Apache-2.0 */
/* Small modules that something is wrong with, one per definition of TRIAL_…: see CMakeLists.txt. */
#include <stoa/module.h>

#if defined(TRIAL_NEEDS) /* an option that must be set */
static const struct stoa_opt options[] = { { .key = "domain",
					     .type = STOA_OPT_STRING,
					     .flags = STOA_OPT_REQUIRED,
					     .doc = "The name that clients know." },
					   STOA_OPT_END };
STOA_MODULE(mod_trial_needs, .version = "1.0.0", .summary = "Needs a domain.", .options = options);

#elif defined(TRIAL_TWIN) /* a second provider of trial/0 */
STOA_MODULE(mod_trial_twin, .version = "1.0.0", .summary = "Provides what mod_trial provides.",
	    .provides = STOA_NAMES("trial/0"));

#elif defined(TRIAL_RING_A) /* A needs B, B needs A */
STOA_MODULE(mod_trial_ring_a, .version = "1.0.0", .summary = "Waits for ring_b.",
	    .provides = STOA_NAMES("ring_a/0"), .needs = STOA_NAMES("ring_b/0"));

#elif defined(TRIAL_RING_B)
STOA_MODULE(mod_trial_ring_b, .version = "1.0.0", .summary = "Waits for ring_a.",
	    .provides = STOA_NAMES("ring_b/0"), .needs = STOA_NAMES("ring_a/0"));

#elif defined(TRIAL_ORPHAN) /* needs what nobody provides */
STOA_MODULE(mod_trial_orphan, .version = "1.0.0", .summary = "Needs what nobody provides.",
	    .needs = STOA_NAMES("nowhere/0"));

#elif defined(TRIAL_MAJOR) || defined(TRIAL_MINOR) /* of another ABI */
extern const struct stoa_mod_desc stoa_module;
STOA_EXPORT const struct stoa_mod_desc stoa_module = {
#ifdef TRIAL_MAJOR
	.abi_major = STOA_ABI_MAJOR + 1,
	.abi_minor = 0,
	.name = "mod_trial_major",
#else
	.abi_major = STOA_ABI_MAJOR,
	.abi_minor = STOA_ABI_MINOR + 1,
	.name = "mod_trial_minor",
#endif
	.size = sizeof(struct stoa_mod_desc),
	.opt_size = sizeof(struct stoa_opt),
	.version = "1.0.0",
	.summary = "Of another ABI.",
};

#elif defined(TRIAL_EMPTY) /* a shared object that is no module */
STOA_EXPORT int not_a_module(void);
int not_a_module(void)
{
	return 0;
}
#else
#error which one?
#endif
