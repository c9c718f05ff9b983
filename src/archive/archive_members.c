/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/archive_members.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"

#define SLOTS 8192
#define LINKS_MAX 8 /* links that lead to links */
#define FIRST_CAPACITY 64

struct archive_members {
    struct archive_member **list; /* in the order of the archive */
    size_t count;
    size_t capacity;
    struct archive_member **by_digest; /* sorted; those of list that have a digest */
    size_t digest_count;
    struct archive_member *slots[SLOTS]; /* by the hash of the name */
};

int archive_members_new(struct archive_members **ret_members, struct lpipe_error *err)
{
    struct archive_members *members = NEW(struct archive_members);
    if (members == NULL) {
        return fail_memory(err);
    }
    *ret_members = members;
    return 0;
}

static void member_free(struct archive_member *member)
{
    buf_dispose(&member->bytes);
    string_map_dispose(&member->annotations);
    free(member->name);
    free(member->target);
    free(member);
}

struct archive_members *archive_members_free(struct archive_members *members)
{
    if (members != NULL) {
        for (size_t i = 0; i < members->count; i++) {
            member_free(members->list[i]);
        }
        free(members->list);
        free(members->by_digest);
        free(members);
    }
    return NULL;
}

/* FNV-1a. */
static size_t slot_of(const char *name)
{
    uint64_t hash = 14695981039346656037U;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 1099511628211U;
    }
    return (size_t)(hash % SLOTS);
}

static struct archive_member *find_name(const struct archive_members *members, const char *name)
{
    struct archive_member *member = members->slots[slot_of(name)];
    while (member != NULL && strcmp(member->name, name) != 0) {
        member = member->next;
    }
    return member;
}

/* Both lists get space for one more. */
static int reserve(struct archive_members *members, struct lpipe_error *err)
{
    if (members->count == ARCHIVE_MEMBERS_MAX) {
        return fail(err, LPIPE_TOO_LARGE, "the image archive has more than %d members",
                    ARCHIVE_MEMBERS_MAX);
    }
    if (members->count < members->capacity) {
        return 0;
    }
    size_t capacity = MAX_OF(members->capacity * 2, (size_t)FIRST_CAPACITY);
    size_t bytes = capacity * sizeof(struct archive_member *);
    struct archive_member **list = mem_realloc(members->list, bytes);
    members->list = list != NULL ? list : members->list;
    struct archive_member **by_digest = mem_realloc(members->by_digest, bytes);
    members->by_digest = by_digest != NULL ? by_digest : members->by_digest;
    if (list == NULL || by_digest == NULL) {
        return fail_memory(err);
    }
    members->capacity = capacity;
    return 0;
}

int archive_members_add(struct archive_members *members, char *name,
                        struct archive_member **ret_member, struct lpipe_error *err)
{
    AUTO_FREE char *taken = name;
    char shown[200];
    if (find_name(members, name) != NULL) {
        return fail(err, LPIPE_NOT_TAR, "not a valid image archive: two members have the name %s",
                    text_printable(shown, sizeof shown, name, strlen(name)));
    }
    int status = reserve(members, err);
    struct archive_member *member = status == 0 ? NEW(struct archive_member) : NULL;
    if (member == NULL) {
        return status != 0 ? status : fail_memory(err);
    }
    struct archive_member **slot = &members->slots[slot_of(name)];
    member->name = TAKE(taken);
    member->next = *slot;
    *slot = member;
    members->list[members->count++] = member;
    *ret_member = member;
    return 0;
}

size_t archive_members_count(const struct archive_members *members)
{
    return members->count;
}

struct archive_member *archive_members_at(const struct archive_members *members, size_t index)
{
    return members->list[index];
}

const struct archive_member *archive_members_find(const struct archive_members *members,
                                                  const char *name)
{
    const struct archive_member *member = find_name(members, name);
    for (unsigned links = 0; member != NULL && member->state == ARCHIVE_LINK; links++) {
        member = links < LINKS_MAX ? find_name(members, member->target) : NULL;
    }
    return member;
}

static int compare_members(const void *a, const void *b)
{
    const struct archive_member *const *left = a, *const *right = b;
    return strcmp((*left)->stored.digest, (*right)->stored.digest);
}

void archive_members_settle(struct archive_members *members)
{
    members->digest_count = 0;
    for (size_t i = 0; i < members->count; i++) {
        if (members->list[i]->stored.digest[0] != '\0') {
            members->by_digest[members->digest_count++] = members->list[i];
        }
    }
    if (members->digest_count > 0) {
        qsort(members->by_digest, members->digest_count, sizeof(void *), compare_members);
    }
}

int archive_members_add_document(struct archive_members *members, const struct document *document,
                                 struct lpipe_error *err)
{
    struct archive_member *member = NULL;
    /* No member of an archive has such a name: see archive_name_clean(). */
    char *name = mem_printf("/%s", document->descriptor.digest);
    int status = name == NULL ? fail_memory(err) : archive_members_add(members, name, &member, err);
    if (status != 0) {
        return status;
    }
    member->bytes = (struct buf)BUF_INIT(document->bytes.size);
    if (buf_append(&member->bytes, document->bytes.data, document->bytes.size) != 0) {
        return fail_memory(err);
    }
    member->state = ARCHIVE_KEPT;
    member->size = document->bytes.size;
    member->stored = document->descriptor;
    archive_members_settle(members);
    return 0;
}

static int compare_digest(const void *key, const void *entry)
{
    const struct archive_member *const *member = entry;
    return strcmp(key, (*member)->stored.digest);
}

const struct archive_member *archive_members_by_digest(const struct archive_members *members,
                                                       const char *digest)
{
    if (members->digest_count == 0) {
        return NULL;
    }
    struct archive_member *const *found =
        bsearch(digest, members->by_digest, members->digest_count, sizeof(void *), compare_digest);
    return found != NULL ? *found : NULL;
}

void archive_members_use(struct archive_members *members, const char *digest)
{
    size_t first = 0;
    size_t end = members->digest_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (strcmp(members->by_digest[middle]->stored.digest, digest) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    for (; first < members->digest_count &&
           strcmp(members->by_digest[first]->stored.digest, digest) == 0;
         first++) {
        members->by_digest[first]->used = true;
    }
}

const struct archive_member *archive_members_by_diff_id(const struct archive_members *members,
                                                        const char *digest)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct archive_member *member = members->list[i];
        if (member->state == ARCHIVE_STORED && strcmp(member->diff_id, digest) == 0) {
            return member;
        }
    }
    return NULL;
}
