/* SPDX-License-Identifier: Apache-2.0 */
/* The registry as Prometheus' text format 0.0.4. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <stoa/util.h>

#include "loop.h"
#include "metric.h"

static void add_sample(struct stoa_buf *b, const struct metric *x, const char *suffix,
		       const char *more_labels, double value)
{
	const char *mod = x->mod ? x->mod->desc.name + strlen("mod_") : "core";
	bool has_both = *x->labels && more_labels;

	stoa_buf_addf(b, "stoa_%s_%s%s", mod, x->name, suffix);
	if (*x->labels || more_labels)
		stoa_buf_addf(b, "{%s%s%s}", x->labels, has_both ? "," : "",
			      more_labels ? more_labels : "");
	if (floor(value) == value && fabs(value) < 1e15)
		stoa_buf_addf(b, " %.0f\n", value);
	else
		stoa_buf_addf(b, " %.9g\n", value);
}

static void add_histogram(struct stoa_buf *b, const struct metric *x)
{
	char label[48];
	int64_t total = 0;

	for (size_t i = 0; i <= x->n_bounds; i++) {
		total += stoa_metric_read(x->slot + (uint32_t)i);
		if (i < x->n_bounds)
			snprintf(label, sizeof(label), "le=\"%.9g\"", x->bounds[i]);
		else
			snprintf(label, sizeof(label), "le=\"+Inf\"");
		add_sample(b, x, "_bucket", label, (double)total);
	}
	add_sample(b, x, "_sum", NULL,
		   metric_as_double(stoa_metric_read(x->slot + (uint32_t)x->n_bounds + 1)));
	add_sample(b, x, "_count", NULL, (double)total);
}

static void add_head(struct stoa_buf *b, const struct metric *x)
{
	static const char *const types[] = { "counter", "gauge", "gauge", "histogram" };
	const char *mod = x->mod ? x->mod->desc.name + strlen("mod_") : "core";

	stoa_buf_addf(b, "# HELP stoa_%s_%s %s\n# TYPE stoa_%s_%s %s\n", mod, x->name, x->help, mod,
		      x->name, types[x->kind]);
}

static void add_metric(struct stoa_buf *b, const struct metric *x)
{
	if (x->kind == METRIC_HISTOGRAM)
		add_histogram(b, x);
	else if (x->kind != METRIC_CALLBACK)
		add_sample(b, x, "", NULL, (double)stoa_metric_read(x->slot));
	else if (x->fn)
		add_sample(b, x, "", NULL, x->fn(x->user));
}

static bool is_same_name(const struct metric *a, const struct metric *b)
{
	return a->mod == b->mod && strcmp(a->name, b->name) == 0;
}

static bool is_first_of_name(size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (is_same_name(metric_at(k), metric_at(i)))
			return false;
	}
	return true;
}

/* All series of one name stand together below one head, as the format demands. */
char *stoa_metric_text_dup(size_t *ret_len)
{
	const struct metric *x, *y;
	struct stoa_buf b = { 0 };

	stoa_assert_thread(STOA_THREAD_CTL);
	for (size_t i = 0; (x = metric_at(i)); i++) {
		if (!is_first_of_name(i))
			continue;
		add_head(&b, x);
		for (size_t k = i; (y = metric_at(k)); k++) {
			if (is_same_name(x, y))
				add_metric(&b, y);
		}
	}
	if (b.failed) {
		stoa_buf_free(&b);
		return NULL;
	}
	if (ret_len)
		*ret_len = b.n;
	return b.p ? b.p : calloc(1, 1);
}

void stoa_metric_text_free(char *text)
{
	free(text);
}
