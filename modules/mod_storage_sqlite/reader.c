/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that answers queries on a connection of its own. In WAL mode readers see the last commit
 * and never wait for the writer. */
#include "storage.h"

#define IDLE_MS (3600 * 1000)

void *reader_main(void *reader)
{
	struct reader *r = reader;
	struct stoa_list one;

	while (queue_take(r->st, &r->st->reads, 1, IDLE_MS, &one)) {
		if (stoa_list_empty(&one))
			continue;
		tx_execute(STOA_CONTAINER(one.next, struct stoa_tx, link), &r->c);
		stoa_metric_add(r->st->queries_total, 1);
		worker_return(r->st, &one);
	}
	return NULL;
}
