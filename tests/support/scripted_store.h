/* SPDX-License-Identifier: Apache-2.0 */
/* A store in memory. It records every call in a journal, and fails at a step that a test names. */
#ifndef SUPPORT_SCRIPTED_STORE_H
#define SUPPORT_SCRIPTED_STORE_H

#include <pthread.h>

#include "support/tar_make.h"

#include "base/mem.h"
#include "oci/store.h"

#define SCRIPTED_ENTRIES 64

struct scripted_entry {
    char key[DIGEST_TEXT_SIZE]; /* digest of a blob, reference of a manifest */
    char media_type[MEDIA_TYPE_SIZE];
    struct bytes bytes;
};

struct scripted_store {
    struct store base;
    pthread_mutex_t lock; /* guards all below */
    char journal[8192];   /* "exists mount:a begin finish put:tag finish_store ..." */
    struct scripted_entry blobs[SCRIPTED_ENTRIES];
    struct scripted_entry manifests[SCRIPTED_ENTRIES];
    size_t blob_count;
    size_t manifest_count;
    const char *mounts_from; /* the repository that blobs can be mounted from */
    bool native;             /* lists referrers */
    const char *fail_step;   /* the step that fails with fail_status */
    int fail_status;
    uint32_t fail_flags;
    int fail_times;    /* how often fail_step fails, -1 = always */
    size_t fail_after; /* bytes that a writer takes before "write" fails */
    int lose_puts;     /* this many puts under a tag succeed but have no effect */
    int writers_open;
    size_t read_max; /* bytes that a read gives at most; 0 = no limit */
};

struct scripted_writer {
    struct blob_writer base;
    struct scripted_store *store;
    struct blob_hint hint;
    struct bytes bytes;
};

struct scripted_reader {
    struct blob_reader base;
    const struct bytes *bytes;
    size_t position;
    size_t read_max;
};

/* Adds a step to the journal; returns the status that the test wants for this step. */
static inline int scripted_step(struct scripted_store *self, const char *step, const char *detail,
                                struct lpipe_error *err)
{
    pthread_mutex_lock(&self->lock);
    size_t used = strlen(self->journal);
    snprintf(self->journal + used, sizeof self->journal - used, "%s%s%s ", step,
             detail != NULL ? ":" : "", detail != NULL ? detail : "");
    bool due =
        self->fail_step != NULL && strcmp(self->fail_step, step) == 0 && self->fail_times != 0;
    self->fail_times -= due && self->fail_times > 0 ? 1 : 0;
    pthread_mutex_unlock(&self->lock);
    if (!due) {
        return 0;
    }
    (void)fail(err, self->fail_status, "scripted failure of %s", step);
    if (err != NULL) {
        err->flags |= self->fail_flags;
    }
    return self->fail_status;
}

static inline struct scripted_entry *scripted_find(struct scripted_entry *entries, size_t count,
                                                   const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i].key, key) == 0) {
            return &entries[i];
        }
    }
    return NULL;
}

static inline void scripted_set(struct scripted_entry *entries, size_t *count, const char *key,
                                const char *media_type, const void *data, size_t size)
{
    struct scripted_entry *entry = scripted_find(entries, *count, key);
    if (entry == NULL) {
        assert_true(*count < SCRIPTED_ENTRIES);
        entry = &entries[(*count)++];
    }
    bytes_dispose(&entry->bytes);
    snprintf(entry->key, sizeof entry->key, "%s", key);
    snprintf(entry->media_type, sizeof entry->media_type, "%s", media_type);
    bytes_put(&entry->bytes, data, size);
}

static inline void scripted_put_blob(struct scripted_store *self, const char *digest,
                                     const void *data, size_t size)
{
    pthread_mutex_lock(&self->lock);
    scripted_set(self->blobs, &self->blob_count, digest, "", data, size);
    pthread_mutex_unlock(&self->lock);
}

static inline struct scripted_entry *scripted_blob(struct scripted_store *self, const char *digest)
{
    pthread_mutex_lock(&self->lock);
    struct scripted_entry *entry = scripted_find(self->blobs, self->blob_count, digest);
    pthread_mutex_unlock(&self->lock);
    return entry;
}

static inline struct scripted_entry *scripted_manifest(struct scripted_store *self, const char *key)
{
    return scripted_find(self->manifests, self->manifest_count, key);
}

/* The content of an entry as text. The test fails when entry is NULL. */
static inline const char *scripted_text(struct scripted_entry *entry)
{
    if (entry == NULL) {
        fail_msg("the store has no such entry");
        abort();
    }
    bytes_put(&entry->bytes, "", 1);
    entry->bytes.size--;
    return (const char *)entry->bytes.data;
}

static inline int scripted_exists(struct store *store, const struct descriptor *blob,
                                  struct lpipe_error *err)
{
    struct scripted_store *self = (struct scripted_store *)store;
    int status = scripted_step(self, "exists", NULL, err);
    return status != 0 ? status : scripted_blob(self, blob->digest) != NULL;
}

static inline int scripted_mount(struct store *store, const struct descriptor *blob,
                                 const char *from, struct lpipe_error *err)
{
    struct scripted_store *self = (struct scripted_store *)store;
    int status = scripted_step(self, "mount", from, err);
    bool can = self->mounts_from != NULL && strcmp(self->mounts_from, from) == 0;
    if (status == 0 && can) {
        scripted_put_blob(self, blob->digest, "mounted", 7);
    }
    return status != 0 ? status : can;
}

static inline int scripted_write(struct blob_writer *writer, const void *data, size_t size,
                                 struct lpipe_error *err)
{
    struct scripted_writer *self = (struct scripted_writer *)writer;
    bytes_put(&self->bytes, data, size);
    if (self->hint.acked != NULL) {
        self->hint.acked(self->hint.user, self->bytes.size);
    }
    return self->store->fail_step != NULL && strcmp(self->store->fail_step, "write") == 0 &&
                   self->bytes.size > self->store->fail_after
               ? scripted_step(self->store, "write", NULL, err)
               : 0;
}

static inline int scripted_finish(struct blob_writer *writer, const char *digest, uint64_t size,
                                  struct lpipe_error *err)
{
    struct scripted_writer *self = (struct scripted_writer *)writer;
    char real[DIGEST_TEXT_SIZE];
    int status = scripted_step(self->store, "finish", NULL, err);
    if (status != 0) {
        return status;
    }
    assert_int_equal(size, self->bytes.size);
    assert_int_equal(
        digest_of(digest_alg_of(digest), self->bytes.data, self->bytes.size, real, err), 0);
    assert_string_equal(real, digest);
    scripted_put_blob(self->store, digest, self->bytes.data, self->bytes.size);
    return 0;
}

static inline void scripted_writer_free(struct blob_writer *writer)
{
    struct scripted_writer *self = (struct scripted_writer *)writer;
    pthread_mutex_lock(&self->store->lock);
    self->store->writers_open--;
    pthread_mutex_unlock(&self->store->lock);
    bytes_dispose(&self->bytes);
    free(self);
}

static inline int scripted_begin(struct store *store, const struct blob_hint *hint,
                                 struct blob_writer **ret_writer, struct lpipe_error *err)
{
    static const struct blob_writer_ops ops = { scripted_write, scripted_finish,
                                                scripted_writer_free };
    struct scripted_store *self = (struct scripted_store *)store;
    int status = scripted_step(self, "begin", hint->known != NULL ? "known" : NULL, err);
    if (status != 0) {
        return status;
    }
    struct scripted_writer *writer = calloc(1, sizeof *writer);
    assert_non_null(writer);
    writer->base.ops = &ops;
    writer->store = self;
    writer->hint = *hint;
    pthread_mutex_lock(&self->lock);
    self->writers_open++;
    pthread_mutex_unlock(&self->lock);
    *ret_writer = &writer->base;
    return 0;
}

static inline int scripted_read(struct blob_reader *reader, void *buf, size_t size,
                                size_t *ret_size, struct lpipe_error *err)
{
    struct scripted_reader *self = (struct scripted_reader *)reader;
    size_t part = self->bytes->size - self->position;
    (void)err;
    part = part < size ? part : size;
    part = self->read_max != 0 && part > self->read_max ? self->read_max : part;
    memcpy(buf, self->bytes->data + self->position, part);
    self->position += part;
    *ret_size = part;
    return 0;
}

static inline void scripted_reader_free(struct blob_reader *reader)
{
    free(reader);
}

static inline int scripted_open(struct store *store, const struct descriptor *blob,
                                struct blob_reader **ret_reader, struct lpipe_error *err)
{
    static const struct blob_reader_ops ops = { scripted_read, scripted_reader_free };
    struct scripted_store *self = (struct scripted_store *)store;
    int status = scripted_step(self, "open", NULL, err);
    struct scripted_entry *entry = scripted_blob(self, blob->digest);
    if (status != 0 || entry == NULL) {
        return status != 0 ? status : fail(err, LPIPE_NOT_FOUND, "no blob %s", blob->digest);
    }
    struct scripted_reader *reader = calloc(1, sizeof *reader);
    assert_non_null(reader);
    reader->base.ops = &ops;
    reader->bytes = &entry->bytes;
    reader->read_max = self->read_max;
    *ret_reader = &reader->base;
    return 0;
}

static inline int scripted_manifest_get(struct store *store, const char *reference,
                                        struct document *ret_document, struct lpipe_error *err)
{
    struct scripted_store *self = (struct scripted_store *)store;
    int status = scripted_step(self, "get", NULL, err);
    struct scripted_entry *entry = scripted_manifest(self, reference);
    struct buf bytes = BUF_INIT(1 << 20);
    if (status != 0 || entry == NULL) {
        return status != 0 ? status : fail(err, LPIPE_NOT_FOUND, "no manifest %s", reference);
    }
    assert_int_equal(buf_append(&bytes, entry->bytes.data, entry->bytes.size), 0);
    return document_make(&bytes, entry->media_type, NULL, ret_document, err);
}

static inline int scripted_manifest_put(struct store *store, const struct document *manifest,
                                        const char *tag, struct lpipe_error *err)
{
    struct scripted_store *self = (struct scripted_store *)store;
    const struct descriptor *descriptor = &manifest->descriptor;
    int status = scripted_step(self, "put", tag, err);
    if (status != 0) {
        return status;
    }
    if (tag != NULL && self->lose_puts > 0) {
        self->lose_puts--;
        return 0;
    }
    scripted_set(self->manifests, &self->manifest_count, descriptor->digest, descriptor->media_type,
                 manifest->bytes.data, manifest->bytes.size);
    if (tag != NULL) {
        scripted_set(self->manifests, &self->manifest_count, tag, descriptor->media_type,
                     manifest->bytes.data, manifest->bytes.size);
    }
    return 0;
}

static inline int scripted_referrers(struct store *store)
{
    return ((struct scripted_store *)store)->native;
}

static inline int scripted_store_finish(struct store *store, struct lpipe_error *err)
{
    return scripted_step((struct scripted_store *)store, "finish_store", NULL, err);
}

static inline void scripted_free(struct store *store)
{
    struct scripted_store *self = (struct scripted_store *)store;
    for (size_t i = 0; i < SCRIPTED_ENTRIES; i++) {
        bytes_dispose(&self->blobs[i].bytes);
        bytes_dispose(&self->manifests[i].bytes);
    }
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static inline struct scripted_store *scripted_new(const char *store_id)
{
    static const struct store_ops ops = {
        .blob_exists = scripted_exists,
        .blob_mount = scripted_mount,
        .blob_begin = scripted_begin,
        .blob_open = scripted_open,
        .manifest_get = scripted_manifest_get,
        .manifest_put = scripted_manifest_put,
        .referrers_native = scripted_referrers,
        .free = scripted_free,
        .finish = scripted_store_finish,
    };
    struct scripted_store *self = calloc(1, sizeof *self);
    assert_non_null(self);
    pthread_mutex_init(&self->lock, NULL);
    self->base.ops = &ops;
    self->base.store_id = mem_strdup(store_id);
    self->base.name = mem_strdup("scripted:store");
    return self;
}

/* How often a step occurs in the journal. */
static inline int scripted_count(const struct scripted_store *self, const char *step)
{
    int count = 0;
    size_t size = strlen(step);
    for (const char *at = self->journal; *at != '\0'; at += strcspn(at, " ") + 1) {
        count += strncmp(at, step, size) == 0 && (at[size] == ' ' || at[size] == ':');
    }
    return count;
}

#endif
