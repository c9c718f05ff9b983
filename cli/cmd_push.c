/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe push: builds an image from a base, layers and config changes, and pushes it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "digest_file.h"
#include "edit_files.h"
#include "failure_hint.h"
#include "input.h"
#include "item_texts.h"
#include "option_file.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "result_print.h"
#include "setup.h"

#define DESCRIPTOR_BYTES_MAX ((size_t)65536)

/* Everything that a push holds. push_dispose() frees it. */
struct push {
    const struct settings *settings;
    lpipe_ref *dest;
    lpipe_ref *base;
    char *password;
    lpipe_layer *
        *layers; /* one for each item of settings.args; NULL for an item that is no input */
    struct edit_files edit_files;
    struct setup setup;
    lpipe_image *image;
    struct lpipe_push_result result;
};

static void push_dispose(struct push *push)
{
    lpipe_push_result_done(&push->result);
    push->image = lpipe_image_free(push->image);
    for (size_t i = 0; push->layers != NULL && i < push->settings->args.count; i++) {
        (void)lpipe_layer_free(push->layers[i]);
    }
    free(push->layers);
    setup_dispose(&push->setup);
    edit_files_dispose(&push->edit_files);
    password_free(push->password);
    (void)lpipe_ref_free(push->base);
    (void)lpipe_ref_free(push->dest);
}

/* The number of layers on the command line. */
static size_t count_layers(const struct settings *settings)
{
    return settings->args.count - 1; /* all items except IMAGE */
}

/* Refuses two inputs that are the same stream. */
static int check_twice(const struct settings *settings)
{
    const struct item_list *args = &settings->args;
    bool image_seen = false;
    int code = 0;
    for (size_t i = 0; i < args->count && code == 0; i++) {
        bool is_argument = args->items[i].tag == ITEM_ARGUMENT;
        if (is_argument && image_seen) {
            code = input_check_twice(settings, args->items[i].text, args, i + 1);
        }
        image_seen = image_seen || is_argument;
    }
    return code;
}

/* Adds stdin as input if no INPUT is given and stdin is readable. Refuses inputs that contradict
 * each other. */
static int check_inputs(struct settings *settings)
{
    size_t arguments = 0, stdin_count = 0;
    for (size_t i = 0; i < settings->args.count; i++) {
        bool is_argument = settings->args.items[i].tag == ITEM_ARGUMENT;
        arguments += is_argument;
        stdin_count += is_argument && strcmp(settings->args.items[i].text, "-") == 0;
    }
    if (arguments == 1 && input_use_stdin(settings)) {
        if (!item_add(&settings->args, ITEM_ARGUMENT, "-")) {
            print_message("out of memory");
            return EXIT_RESOURCES;
        }
    }
    if (settings->args.count == 1 && settings->base == NULL && settings->artifact_type == NULL) {
        return input_missing(settings, "no INPUT, --base or --artifact-type was given");
    }
    if (settings->histories.count > 1 && count_layers(settings) > 0 &&
        settings->histories.count > count_layers(settings)) {
        return usage_error(settings->command_name, "there are more --history options than layers");
    }
    if (settings->prefetch != NULL && count_layers(settings) > 1) {
        return usage_error(settings->command_name, "--prefetch is for a push with one INPUT");
    }
    if (stdin_count > 1) {
        return usage_error(settings->command_name, "- (stdin) can be given once only");
    }
    if (arguments == 1 && !settings->stdin_implied && input_directory_option(settings) != NULL) {
        return usage_error(settings->command_name, "%s is for directories, and no INPUT was named",
                           input_directory_option(settings));
    }
    int code = stdin_count > 0 ? input_check_stdin(settings) : 0;
    return code == 0 ? check_twice(settings) : code;
}

/* A manifest with a subject gets no default tag: clients find it through its subject, and it must
 * not replace the image "latest". */
static int parse_destination(struct push *push)
{
    const struct settings *settings = push->settings;
    struct lpipe_error err = { 0 };
    bool no_default_tag = settings->untagged || settings->subject != NULL;
    if (lpipe_ref_parse(settings_argument(settings, 0),
                        no_default_tag ? LPIPE_REF_NO_DEFAULT_TAG : 0, &push->dest, &err) != 0) {
        return print_failure(&err);
    }
    if (settings->untagged && (lpipe_ref_tag(push->dest) != NULL || settings->tags.count > 0)) {
        return usage_error(settings->command_name,
                           "--untagged cannot be combined with --tag or a tag in IMAGE");
    }
    return 0;
}

static int parse_references(struct push *push)
{
    struct lpipe_error err = { 0 };
    int code = parse_destination(push);
    if (code != 0) {
        return code;
    }
    if (push->settings->base != NULL &&
        lpipe_ref_parse(push->settings->base, 0, &push->base, &err) != 0) {
        return print_failure(&err);
    }
    return 0;
}

/* Opens all inputs before the first request, so that a misspelt name fails at once. */
static int open_inputs(struct push *push)
{
    const struct item_list *args = &push->settings->args;
    bool image_seen = false;
    push->layers = calloc(args->count, sizeof(lpipe_layer *));
    if (push->layers == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    for (size_t i = 0; i < args->count; i++) {
        if (args->items[i].tag != ITEM_ARGUMENT || !image_seen) {
            image_seen = image_seen || args->items[i].tag == ITEM_ARGUMENT;
            continue;
        }
        int code =
            input_open(push->settings, args->items[i].text, push->setup.cancel, &push->layers[i]);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int begin_image(struct push *push)
{
    const struct settings *settings = push->settings;
    struct lpipe_image_options options = LPIPE_IMAGE_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    options.format = (enum lpipe_format)settings->format;
    options.platform = settings->platform;
    options.created = settings->created;
    options.artifact_type = settings->artifact_type;
    progress_begin(push->setup.progress, push->dest); /* the base is fetched */
    int code = lpipe_image_new(push->setup.client, push->base, &options, &push->image, &err);
    progress_end(push->setup.progress, false);
    if (code == 0) {
        code = edit_files_apply(&push->edit_files, push->image);
        if (code != 0) {
            return code;
        }
    }
    for (size_t i = 0; code == 0 && i < settings->edits.count; i++) {
        const struct item *edit = &settings->edits.items[i];
        code = lpipe_image_edit(push->image, (enum lpipe_edit)edit->tag, edit->text, &err);
    }
    /* Without layers, --history describes the config changes. */
    for (size_t i = 0; code == 0 && count_layers(settings) == 0 && i < settings->histories.count;
         i++) {
        code = lpipe_image_edit(push->image, LPIPE_EDIT_HISTORY, settings->histories.items[i].text,
                                &err);
    }
    return code == 0 ? 0 : print_failure(&err);
}

/* The n-th --history, or the only one for every layer. */
static const char *history_for_layer(const struct settings *settings, size_t nth)
{
    const struct item_list *list = &settings->histories;
    if (list->count == 1) {
        return list->items[0].text;
    }
    return nth < list->count ? list->items[nth].text : NULL;
}

static int add_descriptor(struct push *push, const char *path, const char *history)
{
    char text[DESCRIPTOR_BYTES_MAX];
    struct lpipe_error err = { 0 };
    size_t size = 0;
    int code = option_file_read("--layer-descriptor", path, text, sizeof text, &size);
    if (code != 0) {
        return code;
    }
    code = lpipe_image_add_descriptor_json(push->image, text, size, history, &err);
    if (code != 0) {
        char before[512];
        (void)snprintf(before, sizeof before, "--layer-descriptor %.400s: ", path);
        code = print_failure_about(&err, before, failure_hint(&err));
    }
    return code;
}

/* Adds the layers in the order of the command line. */
static int add_layers(struct push *push)
{
    const struct item_list *args = &push->settings->args;
    size_t nth = 0;
    for (size_t i = 0; i < args->count; i++) {
        struct lpipe_error err = { 0 };
        int code = 0;
        if (args->items[i].tag == ITEM_DESCRIPTOR) {
            code =
                add_descriptor(push, args->items[i].text, history_for_layer(push->settings, nth++));
        } else if (push->layers[i] != NULL) {
            code = lpipe_image_add_layer(push->image, push->layers[i],
                                         history_for_layer(push->settings, nth++), &err);
            if (code == 0) {
                push->layers[i] = NULL; /* taken */
            } else {
                code = print_failure(&err);
            }
        }
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

static int push_image(struct push *push)
{
    const struct settings *settings = push->settings;
    struct lpipe_push_options options = LPIPE_PUSH_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    const char **tags = item_texts(&settings->tags);
    if (tags == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    options.tags = tags;
    options.tag_count = settings->tags.count;
    options.subject = settings->subject;
    options.mount_from = settings->mount_from;
    options.soci = (enum lpipe_soci)settings->soci;
    options.soci_bytes_min = settings->soci_bytes_min;
    progress_begin(push->setup.progress, push->dest);
    int code = lpipe_image_push(push->image, push->dest, &options, &push->result, &err);
    free(tags);
    progress_end(push->setup.progress, code == 0);
    return code == 0 ? 0 : input_print_failure(settings, &err);
}

static void print_json_layer(FILE *out, const struct lpipe_layer_result *layer)
{
    static const char *const sources[] = {
        [LPIPE_ORIGIN_STREAMED] = "streamed",
        [LPIPE_ORIGIN_MOUNTED] = "mounted",
        [LPIPE_ORIGIN_EXISTING] = "existing",
        [LPIPE_ORIGIN_COPIED] = "copied",
    };
    (void)fputc('{', out);
    json_layer_members(out, layer);
    (void)fprintf(out, ",\"source\":\"%s\"}", sources[layer->origin]);
}

static void print_json(FILE *out, const struct settings *settings, const void *printed)
{
    (void)settings;
    const struct lpipe_push_result *result = printed;
    (void)fputc('{', out);
    json_image_members(out, &(struct image_members){ .reference = result->reference,
                                                     .tags = result->tags,
                                                     .tag_count = result->tag_count,
                                                     .media_type = result->media_type,
                                                     .digest = result->digest,
                                                     .size = result->size });
    (void)fputs(",\"config\":{\"mediaType\":", out);
    print_json_text(out, result->config_media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, result->config_digest);
    (void)fprintf(out, ",\"size\":%" PRIu64 "},\"layers\":[", result->config_size);
    for (size_t i = 0; i < result->layer_count; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        print_json_layer(out, &result->layers[i]);
    }
    (void)fputs("]", out);
    if (result->soci_digest[0] != '\0') {
        (void)fputs(",\"soci\":{\"digest\":", out);
        print_json_text(out, result->soci_digest);
        (void)fputs(",\"image\":", out);
        print_json_text(out, result->image_digest);
        (void)fputs("}", out);
    }
    (void)fputs("}\n", out);
}

static int print_push(const struct settings *settings, const lpipe_ref *dest,
                      const struct lpipe_push_result *result)
{
    return result_print(settings, dest,
                        &(struct printed_result){ .achieved = "the push of",
                                                  .reference = result->reference,
                                                  .digest = result->digest,
                                                  .print_json = print_json,
                                                  .result = result });
}

/* A layer of an image is a tar; runtimes fail on any other bytes that are called a tar. */
static int check_raw(const struct settings *settings)
{
    return settings->raw && settings->artifact_type == NULL && settings->media_type == NULL
               ? usage_error(settings->command_name,
                             "--raw bytes cannot be a layer of an image; make an artifact with "
                             "--artifact-type, or name their type with --media-type")
               : 0;
}

static int run(struct settings *settings)
{
    __attribute__((cleanup(push_dispose))) struct push push = { .settings = settings };
    push.result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    int code = check_inputs(settings);
    code = code != 0 ? code : check_raw(settings);
    code = code != 0 ? code : parse_references(&push);
    code = code != 0 ? code : digest_file_check(settings->digest_file);
    code = code != 0 ? code : password_read(settings, &push.password);
    code = code != 0 ? code : setup_begin(&push.setup, settings, settings->username, push.password);
    code = code != 0 ? code : edit_files_read(settings, &push.edit_files);
    code = code != 0 ? code : open_inputs(&push);
    code = code != 0 ? code : begin_image(&push);
    code = code != 0 ? code : add_layers(&push);
    if (code == 0) {
        notice_new_directories(settings, push.dest);
        input_wait_for_stdin(settings);
        code = push_image(&push);
    }
    return code != 0 ? code : print_push(settings, push.dest, &push.result);
}

const struct command command_push = {
    .name = "push",
    .synopsis = "[options] IMAGE [INPUT...]",
    .summary = "Build an image from a base, streams and config changes, and push it",
    .examples = "  mmdebstrap trixie - | layerpipe push registry.example/debian:trixie\n"
                "  layerpipe push --base debian:12 --cmd /app/run registry.example/app:1.4 ./app\n",
    .details = "IMAGE is a registry reference, oci:DIR[:TAG] (an OCI layout), an image archive\n"
               "(oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG]; FILE - is stdout) or\n"
               "null:, which stores nothing: only digests and sizes are computed.\n"
               "Each INPUT becomes a layer, in the given order: - (stdin), a tar file, a FIFO,\n"
               "/dev/fd/N or a directory. When no INPUT is given, stdin is read if it is a pipe,\n"
               "a socket or a file. Without any input, --base is needed (only the config is\n"
               "changed) or --artifact-type (the artifact has no layers).\n",
    .groups = (const struct option_group *const[]){ &group_image, &group_layer, &group_directory,
                                                    &group_upload, &group_access, &group_result,
                                                    &group_general, NULL },
    .args_min = 1,
    .args_max = SIZE_MAX,
    .takes_references = true,
    .run = run,
};
