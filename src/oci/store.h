/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface for where blobs and manifests live. A registry repository, an OCI layout
 * directory and null: are the three stores; neither the layer nor the image code asks which.
 *
 * Errors go into *err as everywhere; functions marked 1/0 return 1 for yes, 0 for no. A store may
 * be used by several threads at once; a reader or writer by one. */
#ifndef OCI_STORE_H
#define OCI_STORE_H

#include <stddef.h>

#include "layerpipe/observe.h"
#include "oci/document.h"

struct blob_writer;
struct blob_writer_ops {
    /* Takes all of data; may block. LPIPE_ERROR_REPLAY in err->flags tells that the bytes taken so
     * far are lost but a new writer may succeed. */
    int (*write)(struct blob_writer *writer, const void *data, size_t size,
                 struct lpipe_error *err);
    /* Publishes the blob; digest and size are what the caller computed over the bytes written. */
    int (*finish)(struct blob_writer *writer, const char *digest, uint64_t size,
                  struct lpipe_error *err);
    /* Frees; without a successful finish nothing stays behind. */
    void (*free)(struct blob_writer *writer);
    /* Makes a write or finish that is under way, and later ones, end soon with ABORTED. Any thread,
     * as often as needed. NULL where they do not wait for anybody. */
    void (*stop)(struct blob_writer *writer);
};
struct blob_writer { /* embedded first in each implementation */
    const struct blob_writer_ops *ops;
};

struct blob_reader;
struct blob_reader_ops {
    /* 0 with *ret_size == 0 at the end; bytes are not verified here. */
    int (*read)(struct blob_reader *reader, void *buf, size_t size, size_t *ret_size,
                struct lpipe_error *err);
    void (*free)(struct blob_reader *reader);
};
struct blob_reader {
    const struct blob_reader_ops *ops;
};

/* What a writer may know before the first byte. */
struct blob_hint {
    const struct descriptor *known;            /* digest and size known already (copy), else NULL */
    void (*acked)(void *user, uint64_t bytes); /* bytes the other side has acknowledged; or NULL */
    void *user;
    unsigned *sessions; /* counts the upload sessions of all writers of this blob; or NULL */
};

struct store;
struct store_ops {
    int (*blob_exists)(struct store *store, const struct descriptor *blob,
                       struct lpipe_error *err); /* 1/0 */
    /* Mounts from another repository of the same store; 0 means "not possible, copy it". */
    int (*blob_mount)(struct store *store, const struct descriptor *blob,
                      const char *from_repository, struct lpipe_error *err); /* 1/0 */
    int (*blob_begin)(struct store *store, const struct blob_hint *hint,
                      struct blob_writer **ret_writer, struct lpipe_error *err);
    int (*blob_open)(struct store *store, const struct descriptor *blob,
                     struct blob_reader **ret_reader, struct lpipe_error *err);
    /* reference is a tag or a digest. The bytes are verified against a digest asked for. */
    int (*manifest_get)(struct store *store, const char *reference, struct document *ret_document,
                        struct lpipe_error *err);
    /* Puts a manifest by digest (tag NULL) or under a tag. */
    int (*manifest_put)(struct store *store, const struct document *manifest, const char *tag,
                        struct lpipe_error *err);
    /* After the manifest of an artifact with a subject was put: 1 when the store lists referrers by
     * itself, 0 when the caller must maintain the fallback tag. */
    int (*referrers_native)(struct store *store);
    void (*free)(struct store *store);
    /* Digest of what a tag or digest names, without fetching it. May be NULL: see
     * store_manifest_head(). */
    int (*manifest_head)(struct store *store, const char *reference,
                         char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err); /* 1/0 */
};
struct store {
    const struct store_ops *ops;
    char *origin; /* "https://host:port", "oci:/dir": blobs of one origin can be mounted; owned */
    char *name; /* "host:port/repository", "oci:DIR", "null:": start of printed references; owned */
    bool is_discard; /* it says of every blob that it is there, so that none is read for its sake:
                           of what is at hand that would be an untrue word */
};

/* 1 with the digest of the manifest that reference names, 0 when there is none. Fetches it where the
 * store cannot tell otherwise. */
MUST_CHECK int store_manifest_head(struct store *store, const char *reference,
                                   char ret_digest[DIGEST_TEXT_SIZE], struct lpipe_error *err);
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
