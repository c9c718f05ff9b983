/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe index: makes an index of the images for several platforms. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "copy_print.h"
#include "digest_file.h"
#include "item_texts.h"
#include "password.h"
#include "print.h"
#include "progress.h"
#include "setup.h"

/* Everything that the command holds. index_dispose() frees it. */
struct index {
    const struct settings *settings;
    lpipe_ref **refs; /* IMAGE, then the references */
    size_t ref_count;
    struct lpipe_index_entry *entries;
    size_t entry_count;
    char *password;
    struct setup setup;
    struct lpipe_copy_result result;
};

static void index_dispose(struct index *index)
{
    lpipe_copy_result_done(&index->result);
    setup_dispose(&index->setup);
    password_free(index->password);
    for (size_t i = 0; i < index->ref_count; i++) {
        (void)lpipe_ref_free(index->refs[i]);
    }
    free(index->refs);
    free(index->entries);
}

static int parse_image(struct index *index, const char *text)
{
    const struct settings *settings = index->settings;
    struct lpipe_error err = { 0 };
    if (lpipe_ref_parse(text, settings->untagged ? LPIPE_REF_NO_DEFAULT_TAG : 0,
                        &index->refs[index->ref_count], &err) != 0) {
        return print_failure(&err);
    }
    const lpipe_ref *image = index->refs[index->ref_count++];
    if (settings->untagged && (lpipe_ref_tag(image) != NULL || settings->tags.count > 0)) {
        return usage_error(settings->command_name,
                           "--untagged cannot be combined with --tag or a tag in IMAGE");
    }
    return 0;
}

/* platform: the --platform before the reference, or NULL. */
static int parse_entry(struct index *index, const char *text, const char *platform)
{
    struct lpipe_error err = { 0 };
    if (lpipe_ref_parse(text, 0, &index->refs[index->ref_count], &err) != 0) {
        return print_failure(&err);
    }
    index->entries[index->entry_count++] =
        (struct lpipe_index_entry){ index->refs[index->ref_count++], platform };
    return 0;
}

/* Each --platform belongs to the reference after it. */
static int parse_arguments(struct index *index)
{
    const struct item_list *args = &index->settings->args;
    const char *platform = NULL;
    const char *advice = "--platform stands before the reference that it belongs to";
    int code = 0;
    for (size_t i = 0; i < args->count && code == 0; i++) {
        const struct item *item = &args->items[i];
        bool is_platform = item->tag == ITEM_PLATFORM;
        if (platform != NULL && (is_platform || index->ref_count == 0)) {
            return usage_error(index->settings->command_name, "%s", advice);
        }
        if (is_platform) {
            platform = item->text;
            continue;
        }
        code = index->ref_count == 0 ? parse_image(index, item->text)
                                     : parse_entry(index, item->text, platform);
        platform = NULL;
    }
    return code == 0 && platform != NULL ? usage_error(index->settings->command_name, "%s", advice)
                                         : code;
}

static int parse(struct index *index)
{
    size_t count = index->settings->args.count;
    index->refs = calloc(count, sizeof(lpipe_ref *));
    index->entries = calloc(count, sizeof *index->entries);
    if (index->refs == NULL || index->entries == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    int code = parse_arguments(index);
    return code != 0 ? code : check_username(index->settings, index->refs, index->ref_count);
}

static int push_index(struct index *index)
{
    const struct settings *settings = index->settings;
    struct lpipe_index_options options = LPIPE_INDEX_OPTIONS_INIT;
    struct lpipe_error err = { 0 };
    const char **tags = item_texts(&settings->tags);
    const char **annotations = item_texts(&settings->edits);
    int code = 0;
    if (tags == NULL || annotations == NULL) {
        print_message("out of memory");
        code = EXIT_RESOURCES;
    } else {
        options.flags = (settings->append ? LPIPE_INDEX_APPEND : 0u) |
                        (settings->skip_missing ? LPIPE_INDEX_SKIP_MISSING : 0u);
        options.format = (enum lpipe_format)settings->format;
        options.annotations = annotations;
        options.annotation_count = settings->edits.count;
        options.tags = tags;
        options.tag_count = settings->tags.count;
        progress_begin(index->setup.progress, index->refs[0]);
        int status = lpipe_index_push(index->setup.client, index->refs[0], index->entries,
                                      index->entry_count, &options, &index->result, &err);
        progress_end(index->setup.progress, status == 0);
        code = status == 0 ? 0 : print_failure(&err);
    }
    free(annotations);
    free(tags);
    return code;
}

static int run(struct settings *settings)
{
    __attribute__((cleanup(index_dispose))) struct index index = { .settings = settings };
    index.result = (struct lpipe_copy_result)LPIPE_COPY_RESULT_INIT;
    int code = parse(&index);
    code = code != 0 ? code : digest_file_check(settings->digest_file);
    code = code != 0 ? code : password_read(settings, &index.password);
    code =
        code != 0 ? code : setup_begin(&index.setup, settings, settings->username, index.password);
    if (code == 0) {
        notice_new_directories(settings, index.refs[0]);
        code = push_index(&index);
    }
    return code != 0 ? code : copy_print(settings, index.refs[0], &index.result, "index");
}

const struct command command_index = {
    .name = "index",
    .synopsis = "[options] IMAGE REFERENCE...",
    .summary = "Make one index of the images for several platforms",
    .examples = "  layerpipe index --append registry.example/app:1.4 oci:./arm64\n"
                "  layerpipe index registry.example/app:1.4 oci:./amd64 oci:./arm64\n",
    .details = "IMAGE gets an index of the images that the REFERENCEs name, in this order.\n"
               "Images that are in another repository are copied. The platform of an image is\n"
               "in its config; --platform before a REFERENCE sets another. A REFERENCE to an\n"
               "index adds all its entries, with --platform its image for this platform.\n",
    .groups = (const struct option_group *const[]){ &group_index, &group_upload, &group_access,
                                                    &group_result, &group_general, NULL },
    .args_min = 2,
    .args_max = SIZE_MAX,
    .takes_references = true,
    .run = run,
};
