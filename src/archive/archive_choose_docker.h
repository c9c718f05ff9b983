/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses an image of manifest.json, the list of an archive in Docker's format, and finds or makes
 * its manifest. For archive_choose.c. */
#ifndef ARCHIVE_ARCHIVE_CHOOSE_DOCKER_H
#define ARCHIVE_ARCHIVE_CHOOSE_DOCKER_H

#include "archive/archive_choose.h"

/* list: the member manifest.json. */
MUST_CHECK int archive_choose_docker(struct archive_members *members,
                                     const struct archive_member *list,
                                     const struct archive_wish *wish, struct document *ret_root,
                                     struct lpipe_error *err);

#endif
