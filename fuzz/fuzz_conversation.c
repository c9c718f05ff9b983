/* SPDX-License-Identifier: Apache-2.0 */
/* Whole conversations with a registry: a layer is written, an image pushed, copied or read, while
 * the script damages requests and answers. No crash; every conversation ends; no secret goes to
 * another host (model_http.c checks each request); and what succeeded is in the registry, or was
 * read as it is there, unless an answer has lied.
 *
 * The first byte chooses what is done, the second one how; the rest is the script. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "codec/digest.h"
#include "layerpipe.h"
#include "model_http.h"
#include "model_registry.h"
#include "tar/tar_write.h"

#define REPOSITORY "a/b"
#define OTHER "c/d"
#define TAG "1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* A tar with one file of that size. */
static void make_tar(struct buf *tar, size_t size)
{
    static const char zeros[2 * TAR_WRITE_BLOCK_BYTES];
    const struct tar_write_entry entry = { .type = TAR_ENTRY_FILE, .path = "file", .size = size };
    require(tar_write_header(&entry, tar) == 0);
    for (size_t i = 0; i < size; i += TAR_WRITE_BLOCK_BYTES) {
        char block[TAR_WRITE_BLOCK_BYTES];
        memset(block, (int)(i / TAR_WRITE_BLOCK_BYTES % 251), sizeof block);
        require(buf_append(tar, block, sizeof block) == 0);
    }
    require(buf_append(tar, zeros, sizeof zeros) == 0);
}

struct input {
    const struct buf *bytes;
    size_t read;
};

static ptrdiff_t input_read(void *ctx, void *buf, size_t size)
{
    struct input *input = ctx;
    size = MIN_OF(size, input->bytes->size - input->read);
    memcpy(buf, input->bytes->data + input->read, size);
    input->read += size;
    return (ptrdiff_t)size;
}

/* What a conversation works with. */
struct talk {
    lpipe_client *client;
    lpipe_ref *ref;   /* of the image */
    lpipe_ref *other; /* in another repository */
    struct buf tar;
    struct input input;
    bool is_dated_now; /* images have the present time */
};

static lpipe_layer *layer_of(struct talk *talk)
{
    lpipe_layer *layer = NULL;
    struct lpipe_layer_options options = LPIPE_LAYER_OPTIONS_INIT;
    talk->input = (struct input){ .bytes = &talk->tar };
    const struct lpipe_source source = { .read = input_read, .ctx = &talk->input };
    options.compress = "none";
    options.threads = LPIPE_THREADS_INLINE;
    require(lpipe_layer_new(&source, &options, &layer, NULL) == 0);
    return layer;
}

static bool is_stored(const char *repository, const char *digest, uint64_t size)
{
    const struct buf *blob = model_blob(repository, digest);
    return blob != NULL && blob->size == size;
}

static void write_layer(struct talk *talk)
{
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    lpipe_layer *layer = layer_of(talk);
    if (lpipe_write_layer(talk->client, talk->ref, layer, &result, NULL) == 0 &&
        !script_has_lied()) {
        require(result.size == talk->tar.size);
        require(is_stored(REPOSITORY, result.digest, result.size));
    }
    lpipe_layer_free(layer);
}

static void check_pushed(const struct lpipe_push_result *result)
{
    const struct buf *tagged = model_manifest(REPOSITORY, TAG);
    char digest[DIGEST_TEXT_SIZE];
    require(tagged != NULL);
    require(digest_of(DIGEST_SHA256, tagged->data, tagged->size, digest, NULL) == 0);
    require(strcmp(digest, result->digest) == 0);
    require(is_stored(REPOSITORY, result->config_digest, result->config_size));
    for (size_t i = 0; i < result->layer_count; i++) {
        require(is_stored(REPOSITORY, result->layers[i].digest, result->layers[i].size));
    }
}

static void push_image(struct talk *talk)
{
    struct lpipe_push_result result = LPIPE_PUSH_RESULT_INIT;
    struct lpipe_push_options push = LPIPE_PUSH_OPTIONS_INIT;
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    lpipe_image *image = NULL;
    options.created = talk->is_dated_now ? NULL : "0";
    require(lpipe_image_new(talk->client, NULL, &options, &image, NULL) == 0);
    require(lpipe_image_add_layer(image, layer_of(talk), NULL, NULL) == 0);
    if (lpipe_image_push(image, talk->ref, &push, &result, NULL) == 0 && !script_has_lied()) {
        check_pushed(&result);
    }
    lpipe_push_result_done(&result);
    lpipe_image_free(image);
}

/* Puts the image into the registry, before the script begins. */
static void seed_image(struct talk *talk, const uint8_t *script, size_t size)
{
    script_begin(NULL, 0);
    push_image(talk);
    require(model_manifest(REPOSITORY, TAG) != NULL);
    script_begin(script, size);
}

static void copy_image(struct talk *talk)
{
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_copy_result result = LPIPE_COPY_RESULT_INIT;
    if (lpipe_copy(talk->client, talk->ref, talk->other, &options, &result, NULL) == 0 &&
        !script_has_lied()) {
        const struct buf *from = model_manifest(REPOSITORY, TAG);
        const struct buf *to = model_manifest(OTHER, TAG);
        char digest[DIGEST_TEXT_SIZE];
        require(to != NULL && to->size == from->size &&
                memcmp(to->data, from->data, to->size) == 0);
        require(digest_of(DIGEST_SHA256, talk->tar.data, talk->tar.size, digest, NULL) == 0);
        require(is_stored(OTHER, digest, talk->tar.size));
    }
    lpipe_copy_result_done(&result);
}

/* Wrong bytes may come out, but then the end never does. */
static void read_layer(struct talk *talk)
{
    struct lpipe_content_options options = LPIPE_CONTENT_OPTIONS_INIT;
    lpipe_content *content = NULL;
    char buf[50000];
    size_t got = 1;
    size_t all = 0;
    bool same = true;
    options.layer = "1";
    options.flags = LPIPE_CONTENT_BLOB;
    if (lpipe_content_open(talk->client, talk->ref, &options, &content, NULL) != 0) {
        return;
    }
    int status = 0;
    while (status == 0 && got > 0) {
        status = lpipe_content_read(content, buf, sizeof buf, &got, NULL);
        if (status == 0 && got > 0) {
            same =
                same && all + got <= talk->tar.size && memcmp(talk->tar.data + all, buf, got) == 0;
            all += got;
        }
    }
    require(status != 0 || (same && all == talk->tar.size));
    (void)lpipe_content_close(content);
}

static void talk_begin(struct talk *talk, uint8_t how)
{
    static const char *const realms[] = { "auth.example" };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    options.username = MODEL_USER;
    options.password = MODEL_PASSWORD;
    options.trust_realms = realms;
    options.trust_realm_count = ARRAY_LEN(realms);
    options.upload = how & 3;
    options.chunk_bytes = CHUNK_BYTES_MIN;
    options.retry_count = (how & 0x40) != 0 ? -1 : 2;
    options.jobs = 1;
    talk->is_dated_now = (how & 0x80) != 0; /* no HEAD of config and small layer */
    model_begin((how >> 2 & 3) % 3);
    require(lpipe_client_new(&options, &talk->client, NULL) == 0);
    require(lpipe_ref_parse(MODEL_HOST "/" REPOSITORY ":" TAG, 0, &talk->ref, NULL) == 0);
    require(lpipe_ref_parse(MODEL_HOST "/" OTHER ":" TAG, 0, &talk->other, NULL) == 0);
    static const size_t sizes[] = { 100, 5000, 1200000, 2300000 };
    talk->tar = (struct buf)BUF_INIT(16 * MIB);
    make_tar(&talk->tar, sizes[how >> 4 & 3]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    (void)clearenv(); /* it may name files, whose reading takes most of the time of a short run */
    struct talk talk = { .client = NULL };
    talk_begin(&talk, data[1]);
    script_begin(data + 2, size - 2);
    switch (data[0] & 3) {
    case 0:
        write_layer(&talk);
        break;
    case 1:
        push_image(&talk);
        break;
    case 2:
        seed_image(&talk, data + 2, size - 2);
        copy_image(&talk);
        break;
    default:
        seed_image(&talk, data + 2, size - 2);
        read_layer(&talk);
        break;
    }
    lpipe_ref_free(talk.ref);
    lpipe_ref_free(talk.other);
    lpipe_client_free(talk.client);
    buf_dispose(&talk.tar);
    model_end();
    return 0;
}
