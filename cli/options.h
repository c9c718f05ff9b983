/* SPDX-License-Identifier: Apache-2.0 */
/* The values of all options and arguments, and the option tables that describe them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "option_parser.h"

enum item_tag { ITEM_DESCRIPTOR = 1, ITEM_PLATFORM, ITEM_OTHER }; /* 0 is ITEM_ARGUMENT */

enum progress_mode { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_NONE };

enum look_first { LOOK_FIRST_AUTO, LOOK_FIRST_ALWAYS, LOOK_FIRST_NEVER };

struct command;

struct settings {
    const struct command *const *commands; /* all commands, ends with NULL; for help, completion */
    const char *command_name;              /* the command that runs */
    /* arguments, --layer-descriptor files, and the platforms of index, in the given order */
    struct item_list args;

    /* all commands */
    bool help;
    bool quiet;
    int verbosity;
    int progress; /* enum progress_mode */

    /* results */
    bool json;
    bool tables; /* of contents */
    const char *prefetch;
    const char *digest_file;

    /* layers */
    const char *compress;
    const char *media_type;
    int64_t threads; /* -1 = not given */
    uint64_t memory_bytes_max;
    bool raw;
    bool allow_truncated;
    bool allow_empty;
    bool allow_odd_entries;
    int format; /* enum lpipe_format */

    /* layers of directories */
    const char *owner;
    const char *prefix;
    const char *chmod;
    struct item_list excludes;

    /* image */
    const char *base;
    const char *platform;
    const char *created;
    const char *artifact_type;
    const char *subject;
    const char *mount_from;
    bool untagged;
    const char *config;
    struct item_list env_files;
    struct item_list edits;     /* tag: enum lpipe_edit */
    struct item_list histories; /* one for each layer, in order; or one for all */
    struct item_list tags;
    const char *layer; /* of an image: number or digest */
    bool blob;         /* stored bytes */
    bool all;          /* of an index, copy everything */
    bool referrers;    /* copy what refers to the image, too */
    bool append;
    bool skip_missing;
    int look_first; /* enum look_first */
    int soci;       /* enum lpipe_soci */
    uint64_t soci_bytes_min;
    bool stdin_implied; /* stdin is the input although no INPUT names it */

    /* uploads */
    int upload; /* enum lpipe_upload_mode */
    uint64_t chunk_bytes;
    const char *spool_dir;
    int64_t retry_count; /* -1 = not given */
    int64_t jobs;        /* 0 = not given */
    uint64_t rate_bytes_max;

    /* registry access */
    const char *authfile;
    const char *username;
    bool password_stdin;
    int64_t password_fd; /* -1 = not given */
    bool anonymous;
    const char *cacert;
    const char *cert;
    const char *key;
    int tls_verify; /* 1, 0, or -1 = not given */
    bool plain_http;
    struct item_list trust_realms;
    bool writes_authfile; /* the command changes the file of --authfile */
};

void settings_init(struct settings *settings);
void settings_dispose(struct settings *settings);

/* The option that reads stdin ("--password-stdin", "--authfile"); NULL if there is none. */
const char *settings_stdin_option(const struct settings *settings);

/* The n-th argument (from 0) that is no option; NULL if there are fewer. */
const char *settings_argument(const struct settings *settings, size_t nth);

extern const struct option_group group_general, group_result, group_layer, group_directory,
    group_image, group_copy, group_cat, group_archive, group_index, group_upload, group_access,
    group_authfile, group_platform, group_json;

#endif
