/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts, counted by what they were about and what they came to. */
#ifndef PORTCULLIS_TALLY_H
#define PORTCULLIS_TALLY_H

#include "judge.h"

/* As judge, for a whole verdict. */
static __always_inline int judge_and_count(__u32 level)
{
	int action = judge(level);
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (scratch)
		count_verdict(scratch->request.operation, action);
	return action;
}

#endif
