/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe copy: copies an image from one registry or layout to another, or from an image
 * archive. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "copy_print.h"
#include "digest_file.h"
#include "input.h"
#include "item_texts.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "setup.h"

/* Everything that a copy holds. copy_dispose() frees it. */
struct copy {
    const struct settings *settings;
    lpipe_ref *source; /* NULL: an image archive on stdin */
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

static int check_stdin(const struct copy *copy)
{
    const struct settings *settings = copy->settings;
    return isatty(STDIN_FILENO)
               ? usage_error(settings->command_name,
                             "stdin is a terminal: an image archive is expected there")
               : input_check_stdin(settings);
}

static int parse_source(struct copy *copy)
{
    const struct settings *settings = copy->settings;
    const char *text = settings_argument(settings, 0);
    struct lpipe_error err = { 0 };
    if (strcmp(text, "-") == 0) {
        return check_stdin(copy);
    }
    if (lpipe_ref_parse(text, 0, &copy->source, &err) != 0) {
        return print_failure(&err);
    }
    return is_archive_stream(copy->source) ? check_stdin(copy) : 0;
}

static int check_archive_options(const struct copy *copy)
{
    const struct settings *settings = copy->settings;
    bool converts = settings->compress != NULL || settings->soci != LPIPE_SOCI_NONE;
    bool needs_it = settings->threads >= 0 || settings->format != LPIPE_FORMAT_DEFAULT ||
                    settings->mount_from != NULL;
    bool from_archive = copy->source == NULL || is_archive(copy->source);
    return !from_archive && needs_it && !converts
               ? usage_error(settings->command_name,
                             "--threads, --format and --mount-from are for a copy from an image "
                             "archive or with --compress or --soci; all other copies keep their "
                             "bytes")
               : 0;
}

static int parse_references(struct copy *copy)
{
    const struct settings *settings = copy->settings;
    struct lpipe_error err = { 0 };
    int code = parse_source(copy);
    if (code != 0) {
        return code;
    }
    if (lpipe_ref_parse(settings_argument(settings, 1),
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
    code = check_archive_options(copy);
    if (code != 0 || copy->source == NULL) {
        return code;
    }
    lpipe_ref *const refs[] = { copy->source, copy->dest };
    return check_username(settings, refs, 2);
}

static int copy_image(struct copy *copy)
{
    const struct settings *settings = copy->settings;
    struct lpipe_copy_options options = LPIPE_COPY_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    const char **tags = item_texts(&settings->tags);
    if (tags == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    options.flags =
        (settings->all ? LPIPE_COPY_ALL : 0u) | (settings->referrers ? LPIPE_COPY_REFERRERS : 0u);
    options.platform = settings->platform;
    options.tags = tags;
    options.tag_count = settings->tags.count;
    options.compress = settings->compress;
    options.threads = input_threads(settings);
    options.format = (enum lpipe_format)settings->format;
    options.mount_from = settings->mount_from;
    options.soci = (enum lpipe_soci)settings->soci;
    options.soci_bytes_min = settings->soci_bytes_min;
    progress_begin(copy->setup.progress, copy->dest);
    int code = copy->source == NULL
                   ? lpipe_copy_archive_fd(copy->setup.client, STDIN_FILENO, copy->dest, &options,
                                           &copy->result, &err)
                   : lpipe_copy(copy->setup.client, copy->source, copy->dest, &options,
                                &copy->result, &err);
    free(tags);
    progress_end(copy->setup.progress, code == 0);
    return code == 0 ? 0
                     : print_failure_reading(&err, copy->source, settings_argument(settings, 0));
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
    return code != 0 ? code : copy_print(settings, copy.dest, &copy.result, "copy");
}

const struct command command_copy = {
    .name = "copy",
    .synopsis = "[options] SOURCE DESTINATION",
    .summary = "Copy an image from a registry, layout or image archive",
    .examples = "  docker save app:1.4 | layerpipe copy - registry.example/app:1.4\n"
                "  layerpipe copy --all registry.example/app:1.4 oci:./layout:1.4\n",
    .details = "SOURCE and DESTINATION are registry references or oci:DIR[:TAG] (an OCI layout).\n"
               "SOURCE can be an image archive, such as docker save writes it: - (on stdin),\n"
               "docker-archive:FILE[:NAME:TAG] or oci-archive:FILE[:TAG].\n"
               "DESTINATION can be an image archive, too; FILE - is stdout there.\n"
               "DESTINATION null: stores nothing. Blobs that the destination has are not sent.\n"
               "Of an index, the image for --platform is copied, without the option the one for\n"
               "this machine's platform; --all copies the index and all that it names.\n",
    .groups =
        (const struct option_group *const[]){ &group_copy, &group_archive, &group_upload,
                                              &group_access, &group_result, &group_general, NULL },
    .args_min = 2,
    .args_max = 2,
    .takes_references = true,
    .run = run,
};
