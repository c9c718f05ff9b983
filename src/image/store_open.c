/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store_open.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "archive/archive_file.h"
#include "archive/archive_store.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spool.h"
#include "layout/layout_store.h"
#include "oci/null_store.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "registry/registry_store.h"

/* Refuses to make the directory DIR for oci:DIR:X/Y when the directory DIR:X is there: then the
 * ':' was probably meant as part of its name. */
static int check_layout_name(const lpipe_ref *ref, struct lpipe_error *err)
{
    const char *slash = ref->tag != NULL ? strrchr(ref->tag, '/') : NULL;
    if (slash == NULL || access(ref->repository, F_OK) == 0) {
        return 0;
    }
    AUTO_FREE char *named =
        mem_printf("%s:%.*s", ref->repository, (int)(slash - ref->tag), ref->tag);
    if (named == NULL) {
        return fail_memory(err);
    }
    if (access(named, F_OK) != 0) {
        return 0;
    }
    return fail(err, LPIPE_INVALID_ARGUMENT,
                "%s: the first ':' ends the directory, but %s exists and %s does not; end the "
                "directory with '/', such as oci:%s/DIR/:TAG",
                ref->name, named, ref->repository, named);
}

static int open_layout(lpipe_client *client, const lpipe_ref *ref, bool create,
                       struct store **ret_store, struct lpipe_error *err)
{
    int status = create ? check_layout_name(ref, err) : 0;
    return status == 0
               ? layout_store_open(ref->repository, create, client->context.cancel, ret_store, err)
               : status;
}

/* What a spool is needed for is said in archive/archive_write.h. */
static int open_new_archive(lpipe_client *client, const lpipe_ref *ref, struct store **ret_store,
                            struct lpipe_error *err)
{
    const char *given = client->context.settings.spool_dir;
    if (strcmp(ref->repository, "-") == 0) {
        context_notice(&client->context,
                       "a blob whose size is not known is stored in %s before it is written to "
                       "stdout (`spool_dir` chooses the directory)",
                       spool_dir_choose(given));
    }
    return archive_store_new(ref, spool_dir_choose(given), client->context.cancel, ret_store, err);
}

/* In how many ranges a blob of a registry is fetched at a time. */
static unsigned ranges_of(const lpipe_client *client, enum store_access mode)
{
    unsigned jobs = client->context.settings.jobs;
    return mode == STORE_READ_RANGES ? (jobs > 0 ? jobs : BLOB_RANGES_DEFAULT) : 1;
}

static int open_null(enum store_access mode, struct store **ret_store, struct lpipe_error *err)
{
    return mode == STORE_WRITE ? null_store_open(ret_store, err)
                               : fail(err, LPIPE_INVALID_ARGUMENT,
                                      "null: stores nothing, so nothing can be read from it");
}

int store_open(lpipe_client *client, const lpipe_ref *ref, enum store_access mode,
               struct store **ret_store, struct lpipe_error *err)
{
    switch (ref->kind) {
    case LPIPE_REF_REGISTRY:
        return registry_store_open(client, ref, mode == STORE_WRITE, ranges_of(client, mode),
                                   ret_store, err);
    case LPIPE_REF_LAYOUT:
        return open_layout(client, ref, mode == STORE_WRITE, ret_store, err);
    case LPIPE_REF_NULL:
        return open_null(mode, ret_store, err);
    case LPIPE_REF_OCI_ARCHIVE:
    case LPIPE_REF_DOCKER_ARCHIVE:
        return mode == STORE_WRITE ? open_new_archive(client, ref, ret_store, err)
                                   : archive_file_open(ref, client->context.cancel, ret_store, err);
    }
    assert(false);
    return fail(err, LPIPE_INVALID_ARGUMENT, "a reference of unknown kind");
}
