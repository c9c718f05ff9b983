/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_choose.h"

#include "archive/archive_choose_docker.h"
#include "archive/archive_choose_oci.h"

static int check_kind(bool has_index, bool has_manifest, enum archive_kind kind,
                      struct lpipe_error *err)
{
    if (kind == ARCHIVE_KIND_OCI && !has_index) {
        return fail_with_advice(err, LPIPE_NOT_TAR,
                                "the image archive has no index.json, so it is not an OCI archive; "
                                "use docker-archive:");
    }
    if (kind == ARCHIVE_KIND_DOCKER && !has_manifest) {
        return fail_with_advice(err, LPIPE_NOT_TAR,
                                "the image archive has no manifest.json, so it is not one of "
                                "docker save; use oci-archive:");
    }
    return 0;
}

int archive_choose(struct archive_members *members, struct store *documents,
                   const struct archive_wish *wish, struct document *ret_root,
                   struct lpipe_error *err)
{
    const struct archive_member *manifest = archive_members_find(members, "manifest.json");
    const struct archive_member *index = archive_members_find(members, "index.json");
    int status = check_kind(index != NULL, manifest != NULL, wish->kind, err);
    if (status != 0) {
        return status;
    }
    if (wish->digest != NULL) {
        return documents->ops->manifest_get(documents, wish->digest, ret_root, err);
    }
    /* manifest.json names one image for one platform, an index may have others. */
    bool wants_index = wish->all || wish->platform != NULL || wish->kind == ARCHIVE_KIND_OCI;
    if (manifest != NULL && (index == NULL || wish->kind == ARCHIVE_KIND_DOCKER || !wants_index)) {
        return archive_choose_docker(members, manifest, wish, ret_root, err);
    }
    return archive_choose_oci(index, documents, wish, ret_root, err);
}
