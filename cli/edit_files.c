/* SPDX-License-Identifier: Apache-2.0 */
#include "edit_files.h"

#include <stdlib.h>
#include <string.h>

#include "option_file.h"
#include "print.h"

#define FILE_BYTES_MAX ((size_t)4 << 20) /* of an image config, in the library too */

void edit_files_dispose(struct edit_files *files)
{
    for (size_t i = 0; i < files->buffer_count; i++) {
        free(files->buffers[i]);
    }
    free(files->buffers);
    free(files->config);
    item_list_dispose(&files->env);
    *files = (struct edit_files){ 0 };
}

/* *ret_text ends with NUL and is the caller's. */
static int read_file(const char *option, const char *path, char **ret_text, size_t *ret_size)
{
    char *text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    int code = option_file_read(option, path, text, FILE_BYTES_MAX, ret_size);
    if (code != 0) {
        free(text);
        return code;
    }
    text[*ret_size] = '\0';
    char *fitting = realloc(text, *ret_size + 1);
    *ret_text = fitting != NULL ? fitting : text;
    return 0;
}

/* A line of an environment file; *line ends with NUL. Empty lines and comments are skipped. */
static int add_line(struct edit_files *files, const char *path, size_t number, const char *line)
{
    line += strspn(line, " \t");
    if (*line == '\0' || *line == '#') {
        return 0;
    }
    if (*line == '=' || strchr(line, '=') == NULL) {
        print_message("--env-file %s, line %zu: write it as KEY=VALUE", path, number);
        return EXIT_USAGE;
    }
    if (!item_add(&files->env, ITEM_OTHER, line)) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    return 0;
}

static int add_lines(struct edit_files *files, const char *path, char *text, size_t size)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    char *line = text;
    int code = 0;
    if (strlen(text) != size) {
        print_message("--env-file %s is not a text file", path);
        return EXIT_USAGE;
    }
    if (strncmp(line, byte_order_mark, sizeof byte_order_mark - 1) == 0) {
        line += sizeof byte_order_mark - 1;
    }
    for (size_t number = 1; line != NULL && code == 0; number++) {
        char *end = strchr(line, '\n');
        size_t length = end != NULL ? (size_t)(end - line) : strlen(line);
        bool has_return = length > 0 && line[length - 1] == '\r';
        line[has_return ? length - 1 : length] = '\0';
        code = add_line(files, path, number, line);
        line = end != NULL ? end + 1 : NULL;
    }
    return code;
}

static int read_env_file(struct edit_files *files, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    int code = read_file("--env-file", path, &text, &size);
    if (code != 0) {
        return code;
    }
    files->buffers[files->buffer_count++] = text;
    return add_lines(files, path, text, size);
}

int edit_files_read(const struct settings *settings, struct edit_files *files)
{
    int code = 0;
    files->buffers = calloc(settings->env_files.count + 1, sizeof *files->buffers);
    if (files->buffers == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    if (settings->config != NULL) {
        code = read_file("--config", settings->config, &files->config, &files->config_size);
    }
    for (size_t i = 0; i < settings->env_files.count && code == 0; i++) {
        code = read_env_file(files, settings->env_files.items[i].text);
    }
    return code;
}

int edit_files_apply(const struct edit_files *files, lpipe_image *image)
{
    struct lpipe_error err = { 0 };
    int status = files->config == NULL
                     ? 0
                     : lpipe_image_set_config(image, files->config, files->config_size, &err);
    for (size_t i = 0; i < files->env.count && status == 0; i++) {
        status = lpipe_image_edit(image, LPIPE_EDIT_ENV, files->env.items[i].text, &err);
    }
    return status == 0 ? 0 : print_failure(&err);
}
