/* SPDX-License-Identifier: Apache-2.0 */
/* Finds out where the members of an image archive in a file are. Their contents are read only where
 * they are kept, and hashed where the name of a layer is no digest. One thread. */
#ifndef ARCHIVE_ARCHIVE_SCAN_H
#define ARCHIVE_ARCHIVE_SCAN_H

#include "archive/archive_members.h"
#include "layerpipe/observe.h"

/* fd is borrowed; a regular file that is not compressed. Members that may be blobs are STORED, with
 * their digests and media types. The failures of archive_read(). */
MUST_CHECK int archive_scan(int fd, lpipe_cancel *cancel, struct archive_members **ret_members,
                            struct lpipe_error *err);

#endif
