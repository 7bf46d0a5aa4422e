/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_COMMAND_H
#define SFU_COMMAND_H

#include <stoa/loop.h>

/*
 * Messages between the model (ctl) and the engines (workers).
 *
 * A command is allocated on ctl together with every object the engine will need, travels to the
 * worker as a stoa_task, is carried out, and travels back: then command_finish() frees it and what
 * the engine gave up. So workers neither allocate nor free. Commands to one worker stay in order.
 *
 *   ctl     plane->post(worker, c)
 *   worker  the shell's own part (PEER_* only), then engine_apply(engine, c)
 *   ctl     command_finish(c)
 *
 * A notice is a small value the other way: what happened on the worker.
 */

struct peer;
struct source;
struct downtrack;
struct stage;
struct sections;

enum command_type {
	COMMAND_NONE,
	COMMAND_PEER_OPEN, /* peer, ice, dtls: the shell makes its half, then the engine links it */
	COMMAND_PEER_ICE,  /* peer, ice: new local credentials (ICE restart); the old ones stay  */
	/* valid until the first check with the new                              */
	COMMAND_PEER_CLOSE, /* peer: the shell frees its half; afterwards peer_io() is NULL */
	COMMAND_SECTIONS,   /* peer, sections: what an accepted offer says; replaces the former   */
	COMMAND_STAGE_OPEN, /* stage: the media half of a room */
	COMMAND_STAGE_CLOSE,
	COMMAND_SOURCE_ADD, /* source */
	COMMAND_SOURCE_REMOVE,
	COMMAND_SOURCE_MUTE,   /* source, flag */
	COMMAND_DOWNTRACK_ADD, /* downtrack */
	COMMAND_DOWNTRACK_REMOVE,
	COMMAND_DOWNTRACK_SET, /* downtrack, flag: paused, number: highest layer */
	COMMAND_TYPES
};

#define ICE_UFRAG_MAX 256 /* RFC 8839 section 5.4 */
#define ICE_PWD_MAX   256

struct peer_ice {
	char local_ufrag[16], local_pwd[33];
	char remote_ufrag[ICE_UFRAG_MAX + 1]; /* USERNAME of a check is "local:remote" */
};

enum peer_hash { PEER_HASH_SHA256, PEER_HASH_SHA384, PEER_HASH_SHA512, PEER_HASH_SHA1 };

struct peer_dtls {
	enum peer_hash hash;
	uint8_t fingerprint[64]; /* of the certificate the client must show */
	uint8_t fingerprint_len;
	bool is_client; /* we connect (the client's offer said passive); else we accept */
};

struct command {
	struct stoa_task task; /* the shell's, both ways */
	void *worker;          /* the shell's            */
	enum command_type type;
	struct peer *peer;
	struct source *source;
	struct downtrack *downtrack;
	struct stage *stage;
	struct sections *sections; /* in: the new one; back: the one it replaced */
	struct peer_ice *ice;      /* owned by the command */
	struct peer_dtls *dtls;    /* owned by the command */
	uint32_t number;
	bool flag;
};

/** Frees a command that came back, and what it brought along. Thread: ctl. */
void command_finish(struct command *c);

enum peer_loss { PEER_LOSS_NONE, PEER_LOSS_ICE_TIMEOUT, PEER_LOSS_DTLS_FAILED, PEER_LOSS_CLOSED };

enum notice_type {
	NOTICE_PEER_CONNECTED, /* id: transport                                            */
	NOTICE_PEER_LOST,      /* id: transport, why                                       */
	NOTICE_SOURCE_LIVE,    /* id: track: its first packet was seen                     */
	NOTICE_SPEAKERS,       /* id: room; who[0..n): those whose level changed           */
	NOTICE_QUALITY,        /* id: transport, score: 0 (worst) to 5                     */
};

#define NOTICE_SPEAKERS_MAX 16

struct notice_speaker {
	uint64_t participant;
	float level; /* 0..1; 0: stopped */
};

struct notice {
	enum notice_type type;
	uint64_t id;
	enum peer_loss why;
	float score;
	uint32_t n;
	struct notice_speaker who[NOTICE_SPEAKERS_MAX];
};

#endif
