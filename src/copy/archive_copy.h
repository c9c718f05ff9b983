/* SPDX-License-Identifier: Apache-2.0 */
/* Copies an image from an archive that is read once, from its first byte to its last. The members
 * become blobs of the destination while they pass; when the archive has ended, the image is chosen,
 * its other blobs and its manifests are written, the tags last. Any thread. */
#ifndef COPY_ARCHIVE_COPY_H
#define COPY_ARCHIVE_COPY_H

#include "archive/archive_choose.h"
#include "base/source.h"
#include "layerpipe/copy.h"

/* True for oci-archive: and docker-archive:. */
bool archive_copy_is_archive(const lpipe_ref *ref);
/* Copies from the file that such a reference names; "-" is stdin. The same otherwise, but the image
 * is the one of the reference's tag or digest. */
MUST_CHECK int archive_copy_ref(lpipe_client *client, const lpipe_ref *archive,
                                const lpipe_ref *dest, const struct lpipe_copy_options *options,
                                struct lpipe_copy_result *ret_result, struct lpipe_error *err);

/* source is closed, also on failure, and not freed. which: kind, image and digest are read. options
 * must come from opts_take() (base/opts.h). *ret_result is filled in on success; free it with
 * copy_result_dispose(). */
MUST_CHECK int archive_copy(lpipe_client *client, struct source *source,
                            const struct archive_wish *which, const lpipe_ref *dest,
                            const struct lpipe_copy_options *options,
                            struct lpipe_copy_result *ret_result, struct lpipe_error *err);

#endif
