/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of a store: blobs and manifests can be written to it and read from it. A registry
 * repository, an OCI layout directory and null: are stores. The layer code and the image code use
 * this interface only and do not know which store it is.
 *
 * Functions marked 1/0 return 1 for yes, 0 for no, and a negative status on failure. Several
 * threads may use a store at the same time; only one thread may use a reader or a writer. */
#ifndef OCI_STORE_H
#define OCI_STORE_H

#include <stddef.h>

#include "layerpipe/observe.h"
#include "oci/descriptor_list.h"
#include "oci/document.h"

struct blob_writer;
struct blob_writer_ops {
    /* Takes all of data; may block. On failure LPIPE_ERROR_REPLAY in err->flags means that the
     * bytes written so far are lost, but that a new writer may succeed. */
    int (*write)(struct blob_writer *writer, const void *data, size_t size,
                 struct lpipe_error *err);
    /* Commits the blob. The caller computed digest and size from the bytes that it wrote. */
    int (*finish)(struct blob_writer *writer, const char *digest, uint64_t size,
                  struct lpipe_error *err);
    /* Frees the writer. Without a successful finish nothing is left in the store. */
    void (*free)(struct blob_writer *writer);
    /* Makes the current and every later write and finish end soon with ABORTED. Any thread may call
     * it, more than once. NULL: write and finish never wait for another party. */
    void (*abort)(struct blob_writer *writer);
};
struct blob_writer { /* embedded first in each implementation */
    const struct blob_writer_ops *ops;
};

struct blob_reader;
struct blob_reader_ops {
    /* Returns 0 with *ret_size == 0 at the end. The caller verifies the bytes. */
    int (*read)(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                struct lpipe_error *err);
    void (*free)(struct blob_reader *reader);
    /* Before the first read: the bytes begin at that offset. NULL: see blob_reader_skip(). */
    int (*skip)(struct blob_reader *reader, uint64_t offset, struct lpipe_error *err);
};
struct blob_reader {
    const struct blob_reader_ops *ops;
};

/* What the caller expects of a blob before it is written. */
enum blob_presence {
    BLOB_MAY_EXIST = 0, /* nothing is known */
    BLOB_LIKELY_NEW,    /* the store probably does not have it */
    BLOB_IS_NEW         /* it cannot be there, or the store was asked already */
};

/* What the caller gives a writer at its start. Members may be NULL. */
struct blob_hint {
    const struct descriptor *known; /* the blob's digest and size, where they are known already */
    enum blob_presence presence;    /* whether a registry is asked for the blob before it is sent */
    void (*acked)(void *user, uint64_t bytes); /* gets the count of acknowledged bytes */
    /* `bytes` more were given to the target; they end at `position` of the blob. Any thread. */
    void (*sent)(void *user, uint64_t position, uint64_t bytes);
    void *user;
    /* Counts the upload sessions that all writers of this blob opened. */
    unsigned *sessions;
    bool *existed; /* set to true when the target has the blob, so that its bytes are not sent */
    /* An upload in chunks takes at most this size for them, to save memory, unless the user named
     * a size; 0 = what is usual for the registry. */
    uint64_t chunk_bytes_max;
};

/* For a writer whose target has the bytes as soon as they are written. position: all so far. */
static inline void blob_hint_written(const struct blob_hint *hint, uint64_t position,
                                     uint64_t bytes)
{
    if (hint->sent != NULL) {
        hint->sent(hint->user, position, bytes);
    }
    if (hint->acked != NULL) {
        hint->acked(hint->user, position);
    }
}

#define STORE_BLOB_UNKNOWN 2

struct store;
struct store_ops {
    /* 1, 0, or STORE_BLOB_UNKNOWN when the store does not say: then the blob is sent. */
    int (*blob_exists)(struct store *store, const struct descriptor *blob, struct lpipe_error *err);
    /* Mounts the blob from another repository with the same store_id. 0 = the blob must be
     * copied. May be NULL: see store_blob_mount(). */
    int (*blob_mount)(struct store *store, const struct descriptor *blob,
                      const char *from_repository, struct lpipe_error *err); /* 1/0 */
    int (*blob_begin)(struct store *store, const struct blob_hint *hint,
                      struct blob_writer **ret_writer, struct lpipe_error *err);
    int (*blob_open)(struct store *store, const struct descriptor *blob,
                     struct blob_reader **ret_reader, struct lpipe_error *err);
    /* reference is a tag or a digest. With a digest the store verifies the bytes. */
    int (*manifest_get)(struct store *store, const char *reference, struct document *ret_document,
                        struct lpipe_error *err);
    /* Puts a manifest by digest (tag NULL) or under a tag. A store with a finish operation sets the
     * tag there. */
    int (*manifest_put)(struct store *store, const struct document *manifest, const char *tag,
                        struct lpipe_error *err);
    /* Called after the manifest of an artifact with a subject was put. 1 when the store lists
     * referrers, 0 when the caller must update the referrers tag (distribution-spec, "Referrers Tag
     * Schema"). */
    int (*referrers_native)(struct store *store);
    void (*free)(struct store *store);
    /* Digest of the manifest that a tag or digest names, without fetching the manifest. May be
     * NULL: see store_manifest_head(). */
    int (*manifest_head)(struct store *store, const char *reference,
                         char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err); /* 1/0 */
    /* Completes the store after the last manifest and tag was put, and never after a failure. For a
     * store that writes its index last: a layout, an archive. A layout may be changed and completed
     * again. Not called when a single layer is written. May be NULL: see store_finish(). */
    int (*finish)(struct store *store, struct lpipe_error *err);
    /* Fails for a manifest that manifest_put() would refuse: asked before its blobs are copied. May
     * be NULL: see store_manifest_check(). */
    int (*manifest_check)(struct store *store, const struct document *manifest,
                          struct lpipe_error *err);
    /* Appends the manifests that refer to the digest. 1 = these are all of them, 0 = the referrers
     * tag may name others. May be NULL: 0. */
    int (*referrers_list)(struct store *store, const char *digest, struct descriptor_list *list,
                          struct lpipe_error *err);
};
struct store {
    const struct store_ops *ops;
    /* "registry:host:port", "oci:/dir"; owned. Blobs can be mounted between stores with the same
     * id. */
    char *store_id;
    /* "host:port/repository", "oci:DIR", "null:"; owned. Printed references start with it. */
    char *name;
    /* null store: blob_exists() always says yes, so that no base layer is fetched. Do not call it
     * for a blob whose bytes the caller has. */
    bool is_discard;
    /* Layout and archive: a manifest that an index names is written as a blob. manifest_put() would
     * also give it an entry of its own in index.json. */
    bool children_are_blobs;
    /* Archive: takes one blob after the other, so that their order is always the same. A further
     * writer at the same time works, but its bytes are stored twice. */
    bool one_writer;
};

/* 1 with the digest of the manifest that reference names, 0 when there is none. Fetches the
 * manifest when the store has no manifest_head operation. */
MUST_CHECK int store_manifest_head(struct store *store, const char *reference,
                                   char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);
/* Calls the store's blob_mount operation; 0 when it has none. */
MUST_CHECK int store_blob_mount(struct store *store, const struct descriptor *blob,
                                const char *from_repository, struct lpipe_error *err);
/* Calls the store's manifest_check operation; 0 when it has none. */
MUST_CHECK int store_manifest_check(struct store *store, const struct document *manifest,
                                    struct lpipe_error *err);
/* Calls the store's finish operation; 0 when it has none. */
MUST_CHECK int store_finish(struct store *store, struct lpipe_error *err);
/* Sets the operations and copies of the two names. Free the store also after NO_MEMORY. */
MUST_CHECK int store_init(struct store *store, const struct store_ops *ops, const char *store_id,
                          const char *name, struct lpipe_error *err);
/* Before the first read of a reader: makes its bytes begin at that offset. A store that cannot skip
 * bytes reads them. */
MUST_CHECK int blob_reader_skip(struct blob_reader *reader, uint64_t offset,
                                struct lpipe_error *err);
struct store *store_free(struct store *store);
struct blob_writer *blob_writer_free(struct blob_writer *writer);
struct blob_reader *blob_reader_free(struct blob_reader *reader);
static inline void cleanup_store(struct store **store)
{
    store_free(*store);
}
static inline void cleanup_blob_writer(struct blob_writer **writer)
{
    blob_writer_free(*writer);
}
static inline void cleanup_blob_reader(struct blob_reader **reader)
{
    blob_reader_free(*reader);
}
#define AUTO_STORE CLEANUP(cleanup_store)
#define AUTO_BLOB_WRITER CLEANUP(cleanup_blob_writer)
#define AUTO_BLOB_READER CLEANUP(cleanup_blob_reader)

#endif
