/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe layer: stores one stream as one layer blob. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "digest_file.h"
#include "input.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "result_print.h"
#include "setup.h"

static void free_ref(lpipe_ref **ref)
{
    *ref = lpipe_ref_free(*ref);
}

static void free_layer(lpipe_layer **layer)
{
    *layer = lpipe_layer_free(*layer);
}

static void free_secret(char **secret)
{
    password_free(*secret);
}

static bool is_local(const char *name)
{
    return strncmp(name, "oci:", 4) == 0 || strncmp(name, "null:", 5) == 0 ||
           strncmp(name, "oci-archive:", 12) == 0 || strncmp(name, "docker-archive:", 15) == 0;
}

/* The INPUT argument; without it "-" if stdin is the input; NULL if there is no input. */
static const char *choose_input(struct settings *settings)
{
    const char *input = settings_argument(settings, 1);
    return input == NULL && input_use_stdin(settings) ? "-" : input;
}

/* The result with its reference. */
struct printed_layer {
    const char *reference;
    const struct lpipe_layer_result *layer;
};

static void print_json(FILE *out, const struct settings *settings, const void *printed)
{
    (void)settings;
    const struct printed_layer *result = printed;
    (void)fputs("{\"reference\":", out);
    print_json_text(out, result->reference);
    (void)fputc(',', out);
    json_layer_members(out, result->layer);
    (void)fputs("}\n", out);
}

static int print_layer(const struct settings *settings, const lpipe_ref *dest,
                       const struct lpipe_layer_result *layer)
{
    char *reference = NULL;
    if (asprintf(&reference, "%s@%s", lpipe_ref_name(dest), layer->digest) < 0) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    const struct printed_layer result = { reference, layer };
    int code = result_print(settings, dest,
                            &(struct printed_result){ .achieved = "writing the layer",
                                                      .reference = reference,
                                                      .digest = layer->digest,
                                                      .print_json = print_json,
                                                      .result = &result });
    free(reference);
    return code;
}

static int write_layer(const struct settings *settings, const lpipe_ref *dest, const char *input,
                       const char *password)
{
    AUTO_SETUP struct setup setup = { 0 };
    __attribute__((cleanup(free_layer))) lpipe_layer *layer = NULL;
    struct lpipe_layer_result result = LPIPE_LAYER_RESULT_INIT;
    struct lpipe_error err = { 0 };
    int code = setup_begin(&setup, settings, settings->username, password);
    if (code == 0) {
        code = input_open(settings, input, setup.cancel, &layer);
    }
    if (code != 0) {
        return code;
    }
    notice_new_directories(settings, dest);
    input_wait_for_stdin(settings);
    progress_begin(setup.progress, dest);
    code = lpipe_write_layer(setup.client, dest, layer, &result, &err);
    progress_end(setup.progress, code == 0);
    return code != 0 ? input_print_failure(settings, &err) : print_layer(settings, dest, &result);
}

/* A layer is stored under its digest only. A tag or digest in the name would have no effect. */
static int check_repository(const struct settings *settings, const lpipe_ref *dest)
{
    const char *name = lpipe_ref_tag(dest) != NULL ? lpipe_ref_tag(dest) : lpipe_ref_digest(dest);
    return name == NULL
               ? 0
               : usage_error(settings->command_name,
                             "a layer has no tag and its digest is not known yet: drop \"%s\" "
                             "from %s; if it is part of the directory's name, end that with '/'",
                             name, lpipe_ref_name(dest));
}

static int run(struct settings *settings)
{
    const char *name = settings_argument(settings, 0);
    const char *input = choose_input(settings);
    __attribute__((cleanup(free_ref))) lpipe_ref *dest = NULL;
    __attribute__((cleanup(free_secret))) char *password = NULL;
    struct lpipe_error err = { 0 };
    if (input == NULL) {
        return input_missing(settings, "no INPUT was given");
    }
    int code = strcmp(input, "-") == 0 ? input_check_stdin(settings) : 0;
    if (code != 0) {
        return code;
    }
    if (lpipe_ref_parse(name, is_local(name) ? 0 : LPIPE_REF_REPOSITORY, &dest, &err) != 0) {
        return print_failure(&err);
    }
    code = check_repository(settings, dest);
    if (code == 0) {
        code = digest_file_check(settings->digest_file);
    }
    if (code == 0) {
        code = password_read(settings, &password);
    }
    return code != 0 ? code : write_layer(settings, dest, input, password);
}

const struct command command_layer = {
    .name = "layer",
    .synopsis = "[options] REPOSITORY [INPUT]",
    .summary = "Store one stream as a layer in a repository",
    .examples = "  tar -c src | layerpipe layer localhost:5000/stream\n"
                "  layerpipe layer --json oci:./layout rootfs.tar > layer.json\n",
    .details = "REPOSITORY is a registry repository, oci:DIR (an OCI layout) or null:, which\n"
               "stores nothing: only digest and size are computed.\n"
               "INPUT is - (stdin), a tar file, a FIFO, /dev/fd/N or a directory. When no INPUT\n"
               "is given, stdin is read if it is a pipe, a socket or a file.\n",
    .groups =
        (const struct option_group *const[]){ &group_layer, &group_directory, &group_upload,
                                              &group_access, &group_result, &group_general, NULL },
    .args_min = 1,
    .args_max = 2,
    .takes_references = true,
    .run = run,
};
