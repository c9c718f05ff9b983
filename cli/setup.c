/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "print.h"
#include "progress.h"
#include "realm_file.h"
#include "stop_signal.h"

/* The entries of --trust-realm, LAYERPIPE_TRUST_REALM, and of the file that login writes. */
struct realms {
    char *environment; /* copy of the variable, cut into entries in place */
    char *file;        /* text of the file, cut into lines in place */
    const char **hosts;
    size_t count;
};

static void realms_dispose(struct realms *realms)
{
    free(realms->environment);
    free(realms->file);
    free(realms->hosts);
}

/* Adds the entries of a text, which is cut in place. */
static void realms_add(struct realms *realms, char *text, const char *separators)
{
    char *rest = NULL;
    for (char *host = strtok_r(text, separators, &rest); host != NULL;
         host = strtok_r(NULL, separators, &rest)) {
        realms->hosts[realms->count++] = host;
    }
}

static bool realms_collect(struct realms *realms, const struct settings *settings)
{
    const char *environment = getenv("LAYERPIPE_TRUST_REALM");
    realms->environment = strdup(environment == NULL ? "" : environment);
    realms->file = realm_file_read();
    if (realms->environment == NULL || realms->file == NULL) {
        return false;
    }
    size_t capacity =
        settings->trust_realms.count + strlen(realms->environment) + strlen(realms->file) + 1;
    realms->hosts = calloc(capacity, sizeof *realms->hosts);
    if (realms->hosts == NULL) {
        return false;
    }
    for (size_t i = 0; i < settings->trust_realms.count; i++) {
        realms->hosts[realms->count++] = settings->trust_realms.items[i].text;
    }
    realms_add(realms, realms->environment, ", \t");
    realms_add(realms, realms->file, "\r\n");
    return true;
}

static void warn_if_insecure(const struct settings *settings)
{
    const char *key_log = getenv("SSLKEYLOGFILE");
    if (settings->tls_verify == 0) {
        print_message(
            "warning: certificates are not verified; anyone on the network path can read and "
            "change the data");
    }
    if (key_log != NULL && *key_log != '\0') {
        print_message(
            "warning: SSLKEYLOGFILE is set; anyone who can read %s can decrypt the connections",
            key_log);
    }
}

static uint32_t client_flags(const struct settings *settings)
{
    return (settings->anonymous ? LPIPE_CLIENT_ANONYMOUS : 0u) |
           (settings->plain_http ? LPIPE_CLIENT_PLAIN_HTTP : 0u) |
           (settings->tls_verify == 0 ? LPIPE_CLIENT_TLS_NO_VERIFY : 0u) |
           (settings->tls_verify == 1 ? LPIPE_CLIENT_HTTPS : 0u);
}

/* The client's 0 means the default and its -1 none; the option's 0 means none. */
static int client_retry_count(int64_t count)
{
    return count < 0 ? 0 : count == 0 ? -1 : (int)count;
}

/* Sets the options that name files. Those that are pipes are read here; a file that will be written
 * must be a file. */
static int take_files(struct setup *setup, const struct settings *settings,
                      struct lpipe_client_options *options)
{
    int code = option_file_keep("--cacert", settings->cacert, &setup->cacert, &options->cacert);
    code =
        code != 0 ? code : option_file_keep("--cert", settings->cert, &setup->cert, &options->cert);
    code = code != 0 ? code : option_file_keep("--key", settings->key, &setup->key, &options->key);
    if (code != 0 || settings->writes_authfile) {
        options->authfile = settings->authfile;
        return code;
    }
    return option_file_keep("--authfile", settings->authfile, &setup->authfile, &options->authfile);
}

static int make_client(struct setup *setup, const struct settings *settings, const char *username,
                       const char *password, const struct realms *realms)
{
    struct lpipe_error err = { 0 };
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    options.flags = client_flags(settings);
    options.username = username;
    options.password = password;
    options.trust_realms = realms->hosts;
    options.trust_realm_count = realms->count;
    options.upload = (enum lpipe_upload_mode)settings->upload;
    options.chunk_bytes = settings->chunk_bytes;
    options.spool_dir = settings->spool_dir;
    options.retry_count = client_retry_count(settings->retry_count);
    options.jobs = (uint32_t)settings->jobs;
    options.rate_bytes_max = settings->rate_bytes_max;
    options.observer = progress_observer(setup->progress);
    options.cancel = setup->cancel;
    int code = take_files(setup, settings, &options);
    if (code != 0) {
        return code;
    }
    return lpipe_client_new(&options, &setup->client, &err) == 0 ? 0 : print_failure(&err);
}

int setup_begin(struct setup *setup, const struct settings *settings, const char *username,
                const char *password)
{
    struct lpipe_error err = { 0 };
    __attribute__((cleanup(realms_dispose))) struct realms realms = { 0 };
    if (settings->key != NULL && settings->cert == NULL) {
        return usage_error(settings->command_name, "--key needs --cert");
    }
    warn_if_insecure(settings);
    setup->progress = progress_new(settings);
    if (setup->progress == NULL || !realms_collect(&realms, settings)) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    if (stop_signal_install(&setup->cancel, &err) != 0) {
        return print_failure(&err);
    }
    return make_client(setup, settings, username, password, &realms);
}

void setup_dispose(struct setup *setup)
{
    setup->client = lpipe_client_free(setup->client);
    option_file_dispose(&setup->authfile);
    option_file_dispose(&setup->cacert);
    option_file_dispose(&setup->cert);
    option_file_dispose(&setup->key);
    progress_free(setup->progress);
    setup->progress = NULL;
}

/* True if path is in a directory that does not exist. */
static bool parent_is_missing(const char *path)
{
    struct stat info;
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        size--;
    }
    while (size > 0 && path[size - 1] != '/') {
        size--;
    }
    char *parent = size == 0 ? NULL : strndup(path, size); /* without a slash: "." */
    bool missing = parent != NULL && stat(parent, &info) != 0 && errno == ENOENT;
    free(parent);
    return missing;
}

void notice_new_directories(const struct settings *settings, const lpipe_ref *dest)
{
    if (!settings->quiet && lpipe_ref_kind(dest) == LPIPE_REF_LAYOUT &&
        parent_is_missing(lpipe_ref_repository(dest))) {
        print_message("the layout %s and its parent directories are made new",
                      lpipe_ref_repository(dest));
    }
}

int check_username(const struct settings *settings, lpipe_ref *const *refs, size_t ref_count)
{
    const char *first = NULL;
    for (size_t i = 0; settings->username != NULL && i < ref_count; i++) {
        const char *registry = lpipe_ref_registry(refs[i]);
        if (registry != NULL && first != NULL && strcmp(registry, first) != 0) {
            return usage_error(settings->command_name,
                               "--username is for one registry, but %s and %s are named; use "
                               "layerpipe login or --authfile",
                               first, registry);
        }
        first = first == NULL ? registry : first;
    }
    return 0;
}
