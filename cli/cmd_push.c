/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe push: a base, layers and config edits become an image. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "digest_file.h"
#include "input.h"
#include "password.h"
#include "print.h"
#include "setup.h"
#include "tty_progress.h"

#define DESCRIPTOR_BYTES_MAX ((size_t)65536)

/* Everything a push holds; freed in one place. */
struct push {
    const struct settings *settings;
    lpipe_ref *dest;
    lpipe_ref *base;
    char *password;
    lpipe_layer **layers; /* as the items of settings.args; NULL where the item is no input */
    struct setup setup;
    lpipe_image *image;
    struct lpipe_push_result result;
};

static void push_done(struct push *push)
{
    lpipe_push_result_done(&push->result);
    push->image = lpipe_image_free(push->image);
    for (size_t i = 0; push->layers != NULL && i < push->settings->args.count; i++) {
        (void)lpipe_layer_free(push->layers[i]);
    }
    free(push->layers);
    setup_done(&push->setup);
    secret_free(push->password);
    (void)lpipe_ref_free(push->base);
    (void)lpipe_ref_free(push->dest);
}

/* How many layers the command line names. */
static size_t count_layers(const struct settings *settings)
{
    return settings->args.count - 1; /* all items but IMAGE */
}

/* Adds stdin where it is meant without being named, and refuses what cannot work. */
static int check_inputs(struct settings *settings)
{
    size_t arguments = 0, standard = 0;
    for (size_t i = 0; i < settings->args.count; i++) {
        bool argument = settings->args.items[i].tag == ITEM_ARGUMENT;
        arguments += argument;
        standard += argument && strcmp(settings->args.items[i].text, "-") == 0;
    }
    if (arguments == 1 && !settings->password_stdin && input_stdin_is_given()) {
        if (!item_add(&settings->args, ITEM_ARGUMENT, "-")) {
            say("out of memory");
            return EXIT_RESOURCES;
        }
    }
    if (settings->args.count == 1 && settings->base == NULL && settings->artifact_type == NULL) {
        return usage_error(settings->verb, "no input and no --base or --artifact-type: stdin is "
                                           "neither a pipe nor a file");
    }
    if (settings->histories.count > 1 && count_layers(settings) > 0 &&
        settings->histories.count > count_layers(settings)) {
        return usage_error(settings->verb, "there are more --history than layers");
    }
    if (standard > 1) {
        return usage_error(settings->verb, "stdin can be one layer only");
    }
    if (standard > 0 && settings->password_stdin) {
        return usage_error(settings->verb,
                           "stdin cannot be both a layer and the password; use --password-fd");
    }
    return 0;
}

/* What refers to a subject is found through it: it must not become "latest" unasked. */
static int parse_destination(struct push *push)
{
    const struct settings *settings = push->settings;
    struct lpipe_error err = { 0 };
    bool bare = settings->untagged || settings->subject != NULL;
    if (lpipe_ref_parse(settings_argument(settings, 0), bare ? LPIPE_REF_NO_DEFAULT_TAG : 0,
                        &push->dest, &err) != 0) {
        return print_failure(&err);
    }
    if (settings->untagged && (lpipe_ref_tag(push->dest) != NULL || settings->tags.count > 0)) {
        return usage_error(settings->verb, "--untagged and a tag cannot be together");
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

/* All inputs are opened before the network is touched: a misspelt name costs nothing. */
static int open_inputs(struct push *push)
{
    const struct item_list *args = &push->settings->args;
    bool image_seen = false;
    push->layers = calloc(args->count, sizeof(lpipe_layer *));
    if (push->layers == NULL) {
        say("out of memory");
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
    int code = lpipe_image_new(push->setup.client, push->base, &options, &push->image, &err);
    for (size_t i = 0; code == 0 && i < settings->edits.count; i++) {
        const struct item *edit = &settings->edits.items[i];
        code = lpipe_image_edit(push->image, (enum lpipe_edit)edit->tag, edit->text, &err);
    }
    /* Without layers the history is that of the edits. */
    for (size_t i = 0; code == 0 && count_layers(settings) == 0 && i < settings->histories.count;
         i++) {
        code = lpipe_image_edit(push->image, LPIPE_EDIT_HISTORY, settings->histories.items[i].text,
                                &err);
    }
    return code == 0 ? 0 : print_failure(&err);
}

/* The n-th --history, or the only one for every layer. */
static const char *history_of(const struct settings *settings, size_t nth)
{
    const struct item_list *list = &settings->histories;
    if (list->count == 1) {
        return list->items[0].text;
    }
    return nth < list->count ? list->items[nth].text : NULL;
}

static int add_descriptor(struct push *push, const char *path, const char *history)
{
    char text[DESCRIPTOR_BYTES_MAX + 1];
    struct lpipe_error err = { 0 };
    size_t size = 0;
    ssize_t done = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    while (fd >= 0 && done > 0 && size < sizeof text) {
        done = read(fd, text + size, sizeof text - size);
        size += done > 0 ? (size_t)done : 0;
    }
    int broken = fd < 0 || done < 0 ? errno : size > DESCRIPTOR_BYTES_MAX ? EFBIG : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (broken != 0) {
        say("cannot read layer descriptor %s: %s", path, strerror(broken));
        return lpipe_status_exit_code(LPIPE_SOURCE_IO);
    }
    int code = lpipe_image_add_descriptor_json(push->image, text, size, history, &err);
    return code == 0 ? 0 : print_failure(&err);
}

/* Layers lie in the image as they stand on the command line. */
static int add_layers(struct push *push)
{
    const struct item_list *args = &push->settings->args;
    size_t nth = 0;
    for (size_t i = 0; i < args->count; i++) {
        struct lpipe_error err = { 0 };
        int code = 0;
        if (args->items[i].tag == ITEM_DESCRIPTOR) {
            code = add_descriptor(push, args->items[i].text, history_of(push->settings, nth++));
        } else if (push->layers[i] != NULL) {
            code = lpipe_image_add_layer(push->image, push->layers[i],
                                         history_of(push->settings, nth++), &err);
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
    const char **tags = calloc(settings->tags.count + 1, sizeof *tags);
    if (tags == NULL) {
        say("out of memory");
        return EXIT_RESOURCES;
    }
    for (size_t i = 0; i < settings->tags.count; i++) {
        tags[i] = settings->tags.items[i].text;
    }
    options.tags = tags;
    options.tag_count = settings->tags.count;
    options.subject = settings->subject;
    options.mount_from = settings->mount_from;
    int code = lpipe_image_push(push->image, push->dest, &options, &push->result, &err);
    free(tags);
    progress_clear(push->setup.progress);
    return code == 0 ? 0 : print_failure(&err);
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

static void print_json(FILE *out, const struct lpipe_push_result *result)
{
    (void)fputs("{\"reference\":", out);
    print_json_text(out, result->reference);
    (void)fputs(",\"tags\":[", out);
    for (size_t i = 0; i < result->tag_count; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        print_json_text(out, result->tags[i]);
    }
    (void)fputs("],\"mediaType\":", out);
    print_json_text(out, result->media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, result->digest);
    (void)fprintf(out, ",\"size\":%" PRIu64 ",\"config\":{\"mediaType\":", result->size);
    print_json_text(out, result->config_media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, result->config_digest);
    (void)fprintf(out, ",\"size\":%" PRIu64 "},\"layers\":[", result->config_size);
    for (size_t i = 0; i < result->layer_count; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        print_json_layer(out, &result->layers[i]);
    }
    (void)fputs("]}\n", out);
}

static int print_push(const struct settings *settings, const struct lpipe_push_result *result)
{
    struct text_out text = { 0 };
    char done[256];
    (void)snprintf(done, sizeof done, "the push of %s succeeded", result->digest);
    int file_code = digest_file_write(settings->digest_file, result->digest, done);
    FILE *out = text_open(&text);
    if (out != NULL && settings->json) {
        print_json(out, result);
    } else if (out != NULL) {
        (void)fprintf(out, "%s\n", result->reference);
    }
    int code = print_text(&text, done);
    return code != 0 ? code : file_code;
}

static int run(struct settings *settings)
{
    __attribute__((cleanup(push_done))) struct push push = { .settings = settings };
    push.result = (struct lpipe_push_result)LPIPE_PUSH_RESULT_INIT;
    int code = check_inputs(settings);
    code = code != 0 ? code : parse_references(&push);
    code = code != 0 ? code : digest_file_check(settings->digest_file);
    code = code != 0 ? code : secret_read(settings, &push.password);
    code = code != 0 ? code : setup_begin(&push.setup, settings, settings->username, push.password);
    code = code != 0 ? code : open_inputs(&push);
    code = code != 0 ? code : begin_image(&push);
    code = code != 0 ? code : add_layers(&push);
    code = code != 0 ? code : push_image(&push);
    return code != 0 ? code : print_push(settings, &push.result);
}

const struct command command_push = {
    .name = "push",
    .synopsis = "[options] IMAGE [INPUT...]",
    .summary = "make an image of a base, streams and config edits",
    .details = "IMAGE is a registry reference, oci:DIR[:TAG] or null: (hash only).\n"
               "Each INPUT is a layer, in order: - (stdin), a tar file, a FIFO, /dev/fd/N or a\n"
               "directory. Without INPUT, stdin is read when it is a pipe, a socket or a file;\n"
               "otherwise --base is needed and only the config is edited, or --artifact-type\n"
               "for an artifact of annotations alone.\n",
    .groups =
        (const struct opt_group *const[]){ &group_image, &group_layer, &group_upload, &group_access,
                                           &group_result, &group_general, NULL },
    .args_min = 1,
    .args_max = SIZE_MAX,
    .run = run,
};
