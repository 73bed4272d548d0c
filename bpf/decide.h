/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a hook asks the judge. The judge is a program of its own that takes the place of this function in every hook's program
 * (BPF_PROG_TYPE_EXT): the kernel checks it once, and not in each of the twenty-odd hooks, which would take it half a minute on a slow
 * machine.
 */
#ifndef PORTCULLIS_DECIDE_H
#define PORTCULLIS_DECIDE_H

#include "kern.h"

enum decide_what {
	DECIDE_VERDICT = 0,  /* judge scratch.request; an enum pc_action. What is not allowed has been reported */
	DECIDE_SOURCE = 1,   /* find the class of the acting executable and keep it with the task */
	DECIDE_REPORT = 2,   /* follow the path and report what scratch.request says already */
};

#endif
