/* SPDX-License-Identifier: Apache-2.0 */
/* Ops of one call run one after the other: the first of the list is the one that runs. */
#include "signaling.h"

int op_submit(struct call *c, struct op *op)
{
	op->call = c;
	if (c->n_ops >= OPS_MAX) {
		op->free_fn(op);
		return -ENOBUFS;
	}
	stoa_list_append(&c->ops, &op->link);
	if (c->n_ops++ == 0)
		op->run_fn(op);
	return 0;
}

void op_done(struct op *op)
{
	struct call *c = op->call;

	stoa_list_unlink(&op->link);
	op->free_fn(op);
	if (!c)
		return;
	c->n_ops--;
	if (!stoa_list_empty(&c->ops)) {
		struct op *next = STOA_CONTAINER(c->ops.next, struct op, link);

		next->run_fn(next);
	} else if (c->is_dead) {
		call_free(c);
	} else {
		review_arm(c);
	}
}
