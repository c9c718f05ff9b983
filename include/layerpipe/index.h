/* SPDX-License-Identifier: Apache-2.0 */
/* Makes an index: one name for the images of several platforms. */
#ifndef LAYERPIPE_INDEX_H
#define LAYERPIPE_INDEX_H

#include "copy.h"
#include "image.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An image of an index. */
struct lpipe_index_entry {
    const lpipe_ref *ref; /**< an image, an artifact, or an index; not NULL */
    /** "os/arch[/variant]". Of an image: replaces the platform of its config. Of an index: only its
     * image for this platform is taken. NULL = the config's platform; all entries of an index. */
    const char *platform;
};

enum lpipe_index_flag {
    /** The index that the destination's tag names is changed: an image replaces the one for the
     * same platform, all other entries stay. Without such an index a new one is made. */
    LPIPE_INDEX_APPEND = 1u << 0,
    /** References that do not exist are left out, but one must exist. */
    LPIPE_INDEX_SKIP_MISSING = 1u << 1
};

struct lpipe_index_options {
    size_t struct_size;
    uint32_t flags;           /**< enum lpipe_index_flag */
    enum lpipe_format format; /**< DEFAULT: a Docker manifest list if all images are Docker's and
                                 there are no annotations, else an OCI index */
    const char *const *annotations; /**< "KEY=VALUE", of the index; OCI only */
    size_t annotation_count;
    const char *const *tags; /**< tags to set after the reference's tag */
    size_t tag_count;
};
#define LPIPE_INDEX_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(struct lpipe_index_options), 0, LPIPE_FORMAT_DEFAULT, NULL, 0, NULL, 0              \
    }

/**
 * Makes an index (image-spec, image-index.md) of images and pushes it. Images that are not in the
 * repository of dest are copied there as lpipe_copy() does it. The same images, platforms and
 * options in the same order give the same bytes.
 *
 * Other programs may write the same tags at the same time, and a registry cannot be asked to change
 * a tag only if nobody else has changed it. With a flag the tags and the references are therefore
 * read again after the put, and all is repeated if they have changed:
 *
 * - LPIPE_INDEX_SKIP_MISSING: several calls with the same references and options, each made after
 *   its own image was pushed, end with an index that has the images of all calls that succeeded.
 *   This needs a registry that shows a completed write to every later read.
 * - LPIPE_INDEX_APPEND: the call's own entries were in the index when it ended. A call that ran at
 *   the same time and has read the index before can still remove them later. The tags are read a
 *   second time after a short wait, which finds most of these losses, but not all.
 *
 * @param client      may be in use by other threads
 * @param dest        its tag is set first. With a digest, the index must have this digest, and only
 *                    the tags in options are set. Without both, the index is put by its digest.
 *                    The flags need a tag in dest
 * @param entries     in the order of the index; no two images may be for one platform
 * @param entry_count at least 1
 * @param options     may be NULL
 * @param ret_result  initialised; filled in on success, with the counts of all copies; may be NULL;
 *                    lpipe_copy_result_done() frees its members
 * @return 0; INVALID_ARGUMENT (also: two images for one platform, an image without a platform);
 *         NOT_FOUND; INTEGRITY (dest names another digest); SERVER (others changed the tags after
 *         each attempt); the failures of lpipe_copy(). Any thread.
 */
LPIPE_API LPIPE_CHECK int lpipe_index_push(lpipe_client *client, const lpipe_ref *dest,
                                           const struct lpipe_index_entry *entries,
                                           size_t entry_count,
                                           const struct lpipe_index_options *options,
                                           struct lpipe_copy_result *ret_result,
                                           struct lpipe_error *err);

#ifdef __cplusplus
}
#endif

#endif
