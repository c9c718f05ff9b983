/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions that read images back. */
#include "base/opts.h"
#include "content/content.h"
#include "flow/layer_format.h"
#include "registry/client.h"

/* Before the first request. */
static int check_compress(const char *compress, struct lpipe_error *err)
{
    struct layer_format format;
    int status = layer_format_parse(compress, &format, err);
    if (status == 0 && format.toc != 0) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "%s makes a layer with a table of contents; what is read from an image can be "
                    "compressed with gzip or zstd only",
                    compress);
    }
    return status;
}

static int check_options(const struct lpipe_content_options *options, struct lpipe_error *err)
{
    int status = opts_check_flags(options->flags, LPIPE_CONTENT_BLOB, "lpipe_content_options", err);
    if (status == 0 && (options->flags & LPIPE_CONTENT_BLOB) != 0 && options->compress != NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_content_options: the stored bytes of a blob are not compressed again");
    }
    return status == 0 && options->compress != NULL ? check_compress(options->compress, err)
                                                    : status;
}

int lpipe_content_open(lpipe_client *client, const lpipe_ref *ref,
                       const struct lpipe_content_options *options, lpipe_content **ret_content,
                       struct lpipe_error *err)
{
    struct lpipe_content_options known;
    struct platform platform;
    if (client == NULL || ref == NULL || ret_content == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_content_open: client, ref and ret_content are required");
    }
    int status = opts_take(options, &known, sizeof known, "lpipe_content_options", err);
    status = status == 0 ? check_options(&known, err) : status;
    status = status == 0 ? client_check(client, err) : status;
    if (status == 0 && known.platform != NULL) {
        status = platform_parse(known.platform, &platform, err);
    } else {
        platform_host(&platform);
    }
    return status == 0 ? content_open(client, ref, &known, &platform, ret_content, err) : status;
}

int lpipe_content_read(lpipe_content *content, void *buf, size_t size, size_t *ret_size,
                       struct lpipe_error *err)
{
    if (content == NULL || buf == NULL || size == 0 || ret_size == NULL) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "lpipe_content_read: content, a buffer and ret_size are required");
    }
    return content_read(content, buf, size, ret_size, err);
}

lpipe_content *lpipe_content_close(lpipe_content *content)
{
    if (content != NULL) {
        content_free(content);
    }
    return NULL;
}
