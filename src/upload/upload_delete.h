/* SPDX-License-Identifier: Apache-2.0 */
/* Deletes an upload session that a registry has opened. Any thread. */
#ifndef UPLOAD_UPLOAD_DELETE_H
#define UPLOAD_UPLOAD_DELETE_H

#include "request/repository.h"

/* Sends DELETE, also when the client is cancelled, and waits for a few seconds at most. A failure is
 * ignored: the registry removes old sessions by itself. untrusted_url: a cross-origin server chose
 * the URL. */
void session_delete(const struct repository *repository, const char *url, bool untrusted_url);

#endif
