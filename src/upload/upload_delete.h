/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up an upload session that a registry has opened. Any thread. */
#ifndef UPLOAD_UPLOAD_DELETE_H
#define UPLOAD_UPLOAD_DELETE_H

#include "request/repository.h"

/* Whatever comes of it, and within a few seconds also when the client is cancelled: a session that
 * stays is ended by the registry in time. untrusted_url: a stranger named the URL. */
void session_delete(const struct repository *repository, const char *url, bool untrusted_url);

#endif
