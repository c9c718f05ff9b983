/* SPDX-License-Identifier: Apache-2.0 */
/* An honest registry in memory, for fuzz targets: blobs, upload sessions, manifests, and tokens
 * of a server on another host. One thread at a time. */
#ifndef FUZZ_MODEL_REGISTRY_H
#define FUZZ_MODEL_REGISTRY_H

#include <stdbool.h>

#include "base/buf.h"

#define MODEL_HOST "registry.example"
#define MODEL_ORIGIN "https://" MODEL_HOST
#define MODEL_TOKEN_ORIGIN "https://auth.example"
#define MODEL_USER "user"
#define MODEL_PASSWORD "CANARY4711"
/* base64 of user:CANARY4711 */
#define MODEL_BASIC "Basic dXNlcjpDQU5BUlk0NzEx"
#define MODEL_TOKEN "CANARYTOKEN4711"

enum model_auth { MODEL_OPEN, MODEL_WITH_BASIC, MODEL_WITH_TOKENS };

struct model_request {
    const char *method;
    const char *path;   /* after the origin, with the query */
    const char *secret; /* value of Authorization, or NULL */
    const char *range;  /* value of Content-Range or Range, or NULL */
    const char *body;
    size_t size;
    bool whole; /* the body arrived completely */
};

struct model_answer {
    int status;
    struct buf headers; /* "name: value\n" lines */
    struct buf body;
};

void model_begin(enum model_auth auth);
void model_end(void);
/* A request to the registry itself. */
void model_request(const struct model_request *request, struct model_answer *answer);
/* A request to the token server. */
void model_token(const struct model_request *request, struct model_answer *answer);
/* Puts a blob into a repository. */
void model_add_blob(const char *repository, const char *digest, const void *data, size_t size);
/* The blob's bytes, or NULL. */
const struct buf *model_blob(const char *repository, const char *digest);
/* The manifest's bytes, or NULL. name: a tag or a digest. */
const struct buf *model_manifest(const char *repository, const char *name);

#endif
