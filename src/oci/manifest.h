/* SPDX-License-Identifier: Apache-2.0 */
/* Image manifests and indexes, OCI and Docker: reading what others wrote, writing our own.
 *
 * Reading refuses what two readers could understand differently: mixed shapes, a mediaType that
 * contradicts the Content-Type, keys that differ in case only, sizes that are not whole numbers.
 * Digests that come out of here are valid. Written documents are byte-stable. No I/O; a parsed
 * manifest is immutable, so any number of threads may read it. */
#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H

#include "oci/document.h"
#include "oci/media_type.h"
#include "oci/platform.h"
#include "oci/string_map.h"

struct json_t;

/* An entry of layers[] or manifests[], config or subject. */
struct manifest_item {
    struct descriptor descriptor;
    struct platform platform;  /* of an index child; os "" = not told */
    const char *artifact_type; /* NULL = none; borrowed */
    const struct string_map
        *annotations; /* to be written in place of those in source; NULL = keep */
    const struct json_t
        *source; /* the whole object as read, borrowed from its manifest: what else it
                                    says (annotations, urls, data) is written again; NULL = none */
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
    struct manifest_item *items; /* layers of an image, children of an index */
    size_t item_count;
    struct string_map annotations;
    struct json_t *root; /* the whole document, which the borrowed parts belong to */
};

/* Parses a document; descriptor.media_type is the Content-Type it came with, or "". PROTOCOL,
 * TOO_LARGE, UNSUPPORTED (schema 1), NO_MEMORY. */
MUST_CHECK int manifest_parse(const struct document *document, struct manifest **ret_manifest,
                              struct lpipe_error *err);
struct manifest *manifest_free(struct manifest *manifest);
static inline void cleanup_manifest(struct manifest **manifest)
{
    manifest_free(*manifest);
}
#define AUTO_MANIFEST CLEANUP(cleanup_manifest)

/* The child of an index for a platform: the best match, the first among equals; attestations and
 * other children without a usable platform are passed over. A single child without a platform is
 * taken as it is. NOT_FOUND lists what the index has. */
MUST_CHECK int manifest_choose(const struct manifest *index, const struct platform *platform,
                               const struct manifest_item **ret_item, struct lpipe_error *err);

/* What a new image manifest shall say. Everything is borrowed for the call. */
struct manifest_spec {
    enum media_family family;
    const char *artifact_type;       /* NULL = an image */
    const struct descriptor *config; /* NULL = the empty config (needs artifact_type) */
    const struct manifest_item *layers;
    size_t layer_count;
    const struct string_map *annotations; /* may be NULL */
    const struct descriptor *subject;     /* may be NULL */
};

/* Writes an image manifest: schemaVersion, mediaType, config, layers, annotations, subject,
 * artifactType in this order; layers and config get the family's media types. An artifact without
 * layers lists the empty blob once. INVALID_ARGUMENT (Docker with annotations, artifact type,
 * subject or a type it has no counterpart of; empty config without artifact type), TOO_LARGE. */
MUST_CHECK int manifest_write(const struct manifest_spec *spec, struct document *ret_document,
                              struct lpipe_error *err);
/* Writes an index of children, all OCI: schemaVersion, mediaType, manifests, annotations. */
MUST_CHECK int manifest_write_index(const struct manifest_item *items, size_t item_count,
                                    const struct string_map *annotations,
                                    struct document *ret_document, struct lpipe_error *err);

/* True when a manifest_write() of this spec refers to the empty blob, which must then exist. */
bool manifest_needs_empty(const struct manifest_spec *spec);
/* The empty descriptor. */
void manifest_empty_descriptor(struct descriptor *ret_descriptor);

#endif
