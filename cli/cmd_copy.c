/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe copy: copies an image from one registry or layout to another. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "digest_file.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "setup.h"
#include "tag_list.h"

/* Everything that a copy holds. copy_dispose() frees it. */
struct copy {
    const struct settings *settings;
    lpipe_ref *source;
    lpipe_ref *dest;
    char *password;
    struct setup setup;
    struct lpipe_copy_result result;
};

static void copy_dispose(struct copy *copy)
{
    lpipe_copy_result_done(&copy->result);
    setup_dispose(&copy->setup);
    password_free(copy->password);
    (void)lpipe_ref_free(copy->dest);
    (void)lpipe_ref_free(copy->source);
}

static bool is_registry(const lpipe_ref *ref)
{
    return lpipe_ref_kind(ref) == LPIPE_REF_REGISTRY;
}

/* The client would send a given user name and password to both registries. */
static int check_credentials(const struct copy *copy)
{
    const struct settings *settings = copy->settings;
    bool two_registries =
        is_registry(copy->source) && is_registry(copy->dest) &&
        strcmp(lpipe_ref_registry(copy->source), lpipe_ref_registry(copy->dest)) != 0;
    return settings->username != NULL && two_registries
               ? usage_error(settings->command_name,
                             "--username is for one registry, but SOURCE and DESTINATION name two; "
                             "use layerpipe login or --authfile")
               : 0;
}

static int parse_references(struct copy *copy)
{
    const struct settings *settings = copy->settings;
    struct lpipe_error err = { 0 };
    if (lpipe_ref_parse(settings_argument(settings, 0), 0, &copy->source, &err) != 0 ||
        lpipe_ref_parse(settings_argument(settings, 1),
                        settings->untagged ? LPIPE_REF_NO_DEFAULT_TAG : 0, &copy->dest,
                        &err) != 0) {
        return print_failure(&err);
    }
    if (settings->untagged && (lpipe_ref_tag(copy->dest) != NULL || settings->tags.count > 0)) {
        return usage_error(settings->command_name,
                           "--untagged cannot be combined with --tag or a tag in DESTINATION");
    }
    if (settings->all && settings->platform != NULL) {
        return usage_error(settings->command_name, "--all and --platform cannot be combined");
    }
    return check_credentials(copy);
}

static int copy_image(struct copy *copy)
{
    const struct settings *settings = copy->settings;
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    const char **tags = tag_list(settings);
    if (tags == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    options.flags = settings->all ? LPIPE_COPY_ALL : 0;
    options.platform = settings->platform;
    options.tags = tags;
    options.tag_count = settings->tags.count;
    int code =
        lpipe_copy(copy->setup.client, copy->source, copy->dest, &options, &copy->result, &err);
    free(tags);
    progress_clear(copy->setup.progress);
    return code == 0 ? 0 : print_failure(&err);
}

static void print_json(FILE *out, const struct lpipe_copy_result *result)
{
    (void)fputc('{', out);
    json_image_members(out, &(struct image_members){ .reference = result->reference,
                                                     .tags = result->tags,
                                                     .tag_count = result->tag_count,
                                                     .media_type = result->media_type,
                                                     .digest = result->digest,
                                                     .size = result->size });
    (void)fprintf(out,
                  ",\"manifests\":%" PRIu64 ",\"blobs\":{\"copied\":%" PRIu64
                  ",\"mounted\":%" PRIu64 ",\"existing\":%" PRIu64 "},\"bytesCopied\":%" PRIu64
                  "}\n",
                  result->manifest_count, result->blobs_copied, result->blobs_mounted,
                  result->blobs_existing, result->bytes_copied);
}

static int print_copy(const struct settings *settings, const struct lpipe_copy_result *result)
{
    struct text_out text = { 0 };
    char achieved[256];
    (void)snprintf(achieved, sizeof achieved, "the copy of %s succeeded", result->digest);
    int file_code = digest_file_write(settings->digest_file, result->digest, achieved);
    FILE *out = text_open(&text);
    if (out != NULL && settings->json) {
        print_json(out, result);
    } else if (out != NULL) {
        (void)fprintf(out, "%s\n", result->reference);
    }
    int code = print_text(&text, achieved);
    return code != 0 ? code : file_code;
}

static int run(struct settings *settings)
{
    __attribute__((cleanup(copy_dispose))) struct copy copy = { .settings = settings };
    copy.result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    int code = parse_references(&copy);
    code = code != 0 ? code : digest_file_check(settings->digest_file);
    code = code != 0 ? code : password_read(settings, &copy.password);
    code = code != 0 ? code : setup_begin(&copy.setup, settings, settings->username, copy.password);
    if (code == 0) {
        notice_new_directories(settings, copy.dest);
        code = copy_image(&copy);
    }
    return code != 0 ? code : print_copy(settings, &copy.result);
}

const struct command command_copy = {
    .name = "copy",
    .synopsis = "[options] SOURCE DESTINATION",
    .summary = "Copy an image from a registry or layout to another, bytes kept",
    .details = "SOURCE and DESTINATION are registry references or oci:DIR[:TAG] (an OCI layout).\n"
               "DESTINATION null: stores nothing. Blobs that the destination has are not sent.\n"
               "Of an index, the image for --platform is copied, without the option the one for\n"
               "this machine's platform; --all copies the index and all that it names.\n",
    .groups = (const struct option_group *const[]){ &group_copy, &group_upload, &group_access,
                                                    &group_result, &group_general, NULL },
    .args_min = 2,
    .args_max = 2,
    .run = run,
};
