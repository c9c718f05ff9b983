/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes image manifests and indexes, OCI (image-spec, manifest.md and image-index.md)
 * and Docker.
 *
 * manifest_parse() refuses a document that two programs could understand differently: fields of
 * both a manifest and an index, a mediaType that differs from the Content-Type, keys that differ
 * only in letter case, sizes that are not whole numbers. All digests in a parsed manifest are
 * valid. The same input always gives the same written bytes. No I/O. A parsed manifest does not
 * change, so any number of threads may read it. */
#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include "oci/document.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "oci/string_map.h"

struct json_t;

/* An entry of layers[] or manifests[], config or subject. Pointers are borrowed. */
struct manifest_item {
    struct descriptor descriptor;
    /* Of an entry of an index; os "" = none. Written only when source is NULL. */
    struct platform platform;
    const char *artifact_type; /* NULL = none */
    /* Written in place of the annotations in source; NULL = those in source are kept. */
    const struct string_map *annotations;
    /* The JSON object as it was read. Its other fields (annotations, urls, data) are written again.
     * NULL = none. */
    const struct json_t *source;
};

enum manifest_kind { MANIFEST_KIND_IMAGE = 0, MANIFEST_KIND_INDEX = 1 };

struct manifest {
    enum manifest_kind kind;
    enum media_family family;
    char media_type[MEDIA_TYPE_SIZE];
    const char *artifact_type;   /* NULL = none */
    struct manifest_item config; /* of an image */
    bool has_subject;
    struct manifest_item subject;
    struct manifest_item *items; /* layers of an image, entries of an index */
    size_t item_count;
    struct string_map annotations;
    struct json_t *root; /* the whole document; owns what items borrow */
};

/* Parses a document. Its descriptor.media_type is the Content-Type of the answer, or "". PROTOCOL,
 * TOO_LARGE, UNSUPPORTED (Docker schema 1), NO_MEMORY. */
MUST_CHECK int manifest_parse(const struct document *document, struct manifest **ret_manifest,
                              struct lpipe_error *err);
struct manifest *manifest_free(struct manifest *manifest);
static inline void cleanup_manifest(struct manifest **manifest)
{
    manifest_free(*manifest);
}
#define AUTO_MANIFEST CLEANUP(cleanup_manifest)

/* Chooses the entry of an index for a platform: the best match, and the first of equal matches.
 * Entries without a usable platform, such as build attestations, are ignored; but a single entry
 * without a platform is chosen. NOT_FOUND lists the platforms of the index. */
MUST_CHECK int manifest_choose(const struct manifest *index, const struct platform *platform,
                               const struct manifest_item **ret_item, struct lpipe_error *err);

/* The content of a new image manifest. All pointers are borrowed for the call. */
struct manifest_spec {
    enum media_family family;
    const char *artifact_type;       /* NULL = an image */
    const struct descriptor *config; /* NULL = the empty config (needs artifact_type) */
    const struct manifest_item *layers;
    size_t layer_count;
    const struct string_map *annotations; /* may be NULL */
    const struct descriptor *subject;     /* may be NULL */
};

/* Writes an image manifest with the keys schemaVersion, mediaType, config, layers, annotations,
 * subject, artifactType in this order. Layers and config get the family's media types. An artifact
 * without layers gets the empty blob as its only layer. INVALID_ARGUMENT (an empty config without
 * an artifact type; in the Docker family: annotations, an artifact type, a subject, or a media type
 * that the family does not have), TOO_LARGE. */
MUST_CHECK int manifest_write(const struct manifest_spec *spec, struct document *ret_document,
                              struct lpipe_error *err);

/* The content of a new index. All pointers are borrowed for the call. */
struct index_spec {
    enum media_family family;
    const struct manifest_item *items;
    size_t item_count;
    const struct string_map *annotations; /* may be NULL */
    /* The index that is changed: its artifactType and subject are written again. NULL = none. */
    const struct manifest *old;
};

/* Writes an index with the keys schemaVersion, mediaType, artifactType, manifests, subject,
 * annotations in this order. INVALID_ARGUMENT (in the Docker family: annotations, or an entry that
 * is not a Docker manifest), TOO_LARGE. */
MUST_CHECK int manifest_write_index(const struct index_spec *spec, struct document *ret_document,
                                    struct lpipe_error *err);

/* True when the manifest of this spec refers to the empty blob, which must then be in the store. */
bool manifest_needs_empty(const struct manifest_spec *spec);
/* The descriptor of the empty blob, {}. */
void manifest_empty_descriptor(struct descriptor *ret_descriptor);

#endif
