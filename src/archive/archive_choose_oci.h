/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses an image of index.json, the list of an OCI archive. For archive_choose.c. */
#ifndef ARCHIVE_ARCHIVE_CHOOSE_OCI_H
#define ARCHIVE_ARCHIVE_CHOOSE_OCI_H

#include "archive/archive_choose.h"

/* list: the member index.json. An index.json that has the platforms of one image is an index
 * itself. */
MUST_CHECK int archive_choose_oci(const struct archive_member *list, struct store *documents,
                                  const struct archive_wish *wish, struct document *ret_root,
                                  struct lpipe_error *err);

#endif
