/* SPDX-License-Identifier: Apache-2.0 */
/* The cancel token: a flag to test and a descriptor to poll. */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include "base/fail.h"
#include "layerpipe/observe.h"

/* All accept a NULL token, which is never cancelled. */
lpipe_cancel *cancel_ref(lpipe_cancel *cancel);
bool cancel_requested(const lpipe_cancel *cancel);
/* Readable once cancelled; -1 for NULL. */
int cancel_fd(const lpipe_cancel *cancel);
/* Sleeps; returns 0 after the time or CANCELLED at once when triggered. */
MUST_CHECK int cancel_sleep(const lpipe_cancel *cancel, uint64_t time_ms, struct lpipe_error *err);
int fail_cancelled(struct lpipe_error *err);

#endif
