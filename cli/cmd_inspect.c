/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe inspect: shows manifest, config and layers of an image. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "password.h"
#include "print.h"
#include "setup.h"
#include "terminal_text.h"

static int inspect(const struct settings *settings, const lpipe_ref *ref, const char *password)
{
    AUTO_SETUP struct setup setup = { 0 };
    struct lpipe_error err = { 0 };
    struct text_out result = { 0 };
    char *text = NULL;
    int code = setup_begin(&setup, settings, settings->username, password);
    if (code != 0) {
        return code;
    }
    uint32_t flags = (settings->json ? (uint32_t)LPIPE_INSPECT_JSON : 0) |
                     (settings->tables ? (uint32_t)LPIPE_INSPECT_TABLES : 0);
    if (lpipe_inspect_with(setup.client, ref, settings->platform, flags, &text, &err) != 0) {
        return print_failure_reading(&err, ref, settings_argument(settings, 0));
    }
    FILE *out = text_open(&result);
    if (out != NULL) {
        size_t size = strlen(text);
        if (settings->json) {
            terminal_print_json(out, text);
        } else {
            (void)fputs(text, out);
        }
        (void)fputs(size > 0 && text[size - 1] == '\n' ? "" : "\n", out);
    }
    free(text);
    return print_text(&result, "the manifest was read");
}

static int run(struct settings *settings)
{
    struct lpipe_error err = { 0 };
    lpipe_ref *ref = NULL;
    char *password = NULL;
    if (lpipe_ref_parse(settings_argument(settings, 0), 0, &ref, &err) != 0) {
        return print_failure(&err);
    }
    int code = password_read(settings, &password);
    if (code == 0) {
        code = inspect(settings, ref, password);
    }
    password_free(password);
    (void)lpipe_ref_free(ref);
    return code;
}

const struct command command_inspect = {
    .name = "inspect",
    .synopsis = "[options] REFERENCE",
    .summary = "Show manifest, config and layers of an image",
    .examples = "  layerpipe inspect registry.example/app:1.4\n"
                "  layerpipe inspect --json registry.example/app:1.4\n",
    .details = "REFERENCE is a registry reference, oci:DIR:TAG, oci-archive:FILE[:TAG] or\n"
               "docker-archive:FILE[:NAME:TAG]. For an index the list of its images is shown;\n"
               "--platform chooses one of them.\n",
    .groups = (const struct option_group *const[]){ &group_platform, &group_access, &group_json,
                                                    &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .takes_references = true,
    .run = run,
};
