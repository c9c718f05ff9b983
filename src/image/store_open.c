/* SPDX-License-Identifier: Apache-2.0 */
#include "image/store_open.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "layout/layout_store.h"
#include "oci/null_store.h"
#include "oci/reference.h"
#include "registry/client.h"
#include "registry/registry_store.h"

/* The path of the directory that contains path; NULL when out of memory. */
static char *parent_of(const char *path)
{
    char *parent = mem_strdup(path);
    size_t size = strlen(path);
    if (parent == NULL) {
        return NULL;
    }
    while (size > 0 && parent[size - 1] == '/') {
        size--;
    }
    while (size > 0 && parent[size - 1] != '/') {
        size--;
    }
    parent[size] = '\0';
    return parent;
}

/* Refuses to make the directory DIR for oci:DIR:X/Y when the directory DIR:X is there: then the
 * ':' was probably meant as part of its name. */
static int check_layout_name(const lpipe_ref *ref, struct lpipe_error *err)
{
    if (ref->tag == NULL || strchr(ref->tag, '/') == NULL || access(ref->repository, F_OK) == 0) {
        return 0;
    }
    AUTO_FREE char *path = mem_printf("%s:%s", ref->repository, ref->tag);
    AUTO_FREE char *parent = path == NULL ? NULL : parent_of(path);
    if (parent == NULL) {
        return fail_memory(err);
    }
    return access(parent, F_OK) != 0
               ? 0
               : fail(
                     err, LPIPE_INVALID_ARGUMENT,
                     "%s: the first ':' ends the directory, but %s exists and %s does not; end the "
                     "directory with '/', such as oci:%sDIR/:TAG",
                     ref->name, parent, ref->repository, parent);
}

static int open_layout(lpipe_client *client, const lpipe_ref *ref, bool create,
                       struct store **ret_store, struct lpipe_error *err)
{
    AUTO_FREE char *parent = parent_of(ref->repository);
    if (parent == NULL) {
        return fail_memory(err);
    }
    int status = check_layout_name(ref, err);
    if (status != 0) {
        return status;
    }
    bool is_deep = create && parent[0] != '\0' && access(parent, F_OK) != 0;
    status = layout_store_open(ref->repository, create, client->context.cancel, ret_store, err);
    if (status == 0 && is_deep) {
        context_notice(&client->context, "made the directory %s and its parents", ref->repository);
    }
    return status;
}

int store_open(lpipe_client *client, const lpipe_ref *ref, enum store_access mode,
               struct store **ret_store, struct lpipe_error *err)
{
    switch (lpipe_ref_kind(ref)) {
    case LPIPE_REF_REGISTRY:
        return registry_store_open(client, ref, mode == STORE_WRITE, ret_store, err);
    case LPIPE_REF_LAYOUT:
        return open_layout(client, ref, mode == STORE_WRITE, ret_store, err);
    case LPIPE_REF_NULL:
        return null_store_open(ret_store, err);
    }
    assert(false);
    return fail(err, LPIPE_INVALID_ARGUMENT, "a reference of unknown kind");
}
