/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_MODEL_H
#define SFU_MODEL_H

#include "command.h"
#include <stoa/iface/sfu.h>

/*
 * The control model: rooms, participants, tracks, subscriptions and transports, all on ctl. It is
 * what the interface `sfu` offers (self = the model), and it owns no socket, thread or clock: what
 * it needs of the world is in `struct plane`, given by module.c (or by a test).
 */

struct model;

struct plane_address { /* one candidate of a worker */
	char host[64]; /* text of an IPv4 or IPv6 address, as announced */
	uint16_t port;
	bool is_tcp; /* passive ICE-TCP */
};

struct plane {
	void *io;
	/* Hands a command to a worker, which sends it back through command_finish(). */
	void (*post)(void *io, uint32_t worker, struct command *c);
	/* Asks for model_flush() after the current call. Repeats are one. */
	void (*wake)(void *io);
	uint64_t (*now_ms)(void *io);
	uint32_t n_workers;
	const char *fingerprint; /* "sha-256 AB:CD:…" of our certificate; borrowed */
	const struct plane_address *const *addresses; /* per worker; borrowed */
	const uint32_t *n_addresses;
};

struct model_settings {
	uint32_t max_rooms;
	uint32_t max_participants; /* in one room; 0: 4096 */
	uint32_t empty_timeout_s, departure_timeout_s;
	bool allow_tcp;
};

/** In load(); adds the commands `room …` and `participant …` to the control socket. `m` may be NULL
 *  in tests. -ENOMEM, or the errors of stoa_control_add(). */
int model_new(struct stoa_mod *m, struct model **ret_model);
void model_free(struct model *m); /* after model_detach() */

extern const struct stoa_sfu_ops model_ops;

/** In start(), when the workers run. `plane` is borrowed until model_detach(). -ENOMEM. */
int model_attach(struct model *m, const struct plane *plane);
void model_configure(struct model *m, const struct model_settings *s); /* start() and reload() */
/** In stop(), before the workers end: closes every room (STOA_LEAVE_SERVER_SHUTDOWN) and posts the
 *  last commands; no call of `plane` is made after it returned. */
void model_detach(struct model *m);
/** No new rooms and participants from now on; model_is_idle() tells when the last has left. */
void model_drain(struct model *m);
bool model_is_idle(const struct model *m);

/** Runs what was queued: events and answers, in order. */
void model_flush(struct model *m);
/** About once per second: empty rooms, transports that never connected. */
void model_tick(struct model *m);
/** A notice from a worker. */
void model_notice(struct model *m, const struct notice *n);

#endif
