/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up an upload session that a registry has opened. Any thread. */
#ifndef REGISTRY_UPLOAD_END_H
#define REGISTRY_UPLOAD_END_H

#include "registry/repository.h"

/* Whatever comes of it, and within a few seconds also when the client is cancelled: a session that
 * stays is ended by the registry in time. is_abroad: a stranger named the URL. */
void upload_end(const struct repository *repository, const char *url, bool is_abroad);

#endif
