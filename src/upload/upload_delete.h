/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes an upload session that will not be committed. Its users are uploads, and mounts that a
 * registry answered with a session. Any thread. */
#ifndef UPLOAD_UPLOAD_DELETE_H
#define UPLOAD_UPLOAD_DELETE_H

#include "request/repository.h"

/* Sends one DELETE, also after the client was cancelled; each step of it takes at most
 * CLOSE_TIMEOUT_MS. Failures are ignored: the registry removes old sessions later. untrusted_url: a
 * cross-origin server chose the URL, so no credentials are sent. */
void upload_session_delete(const struct repository *repository, const char *url,
                           bool untrusted_url);

#endif
