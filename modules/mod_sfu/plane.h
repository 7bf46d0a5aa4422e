/* SPDX-License-Identifier: Apache-2.0 */
/* The workers together, as the model sees them (struct plane). All on ctl. */
#ifndef SFU_PLANE_H
#define SFU_PLANE_H

#include "model.h"
#include "worker.h"

struct media_plane;

struct plane_settings {
	struct stoa_mod *mod;
	struct model *model;
	uint32_t workers;             /* 0: one per core */
	uint16_t port;                /* of the first worker; the next has the next */
	int buffer;                   /* bytes asked for each socket's buffers */
	const struct stoa_conf *conf; /* lists `bind` and `announce` */
};

/** Makes the certificate, binds, starts the threads and attaches the model. Logs what failed. */
int plane_start(const struct plane_settings *s, struct media_plane **ret_plane);
/** Detaches the model, ends the threads. */
void plane_stop(struct media_plane *p);

#endif
