/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include <stdlib.h>
#include <string.h>

#include "print.h"
#include "stop.h"
#include "tty_progress.h"

/* Host names of --trust-realm and LAYERPIPE_TRUST_REALM, as the client takes them. */
struct realms {
    char *environment; /* cut in place */
    const char **hosts;
    size_t count;
};

static void realms_done(struct realms *realms)
{
    free(realms->environment);
    free(realms->hosts);
}

static bool realms_collect(struct realms *realms, const struct settings *settings)
{
    const char *environment = getenv("LAYERPIPE_TRUST_REALM");
    realms->environment = strdup(environment == NULL ? "" : environment);
    size_t room = settings->trust_realms.count + strlen(environment == NULL ? "" : environment) + 1;
    realms->hosts = calloc(room, sizeof *realms->hosts);
    if (realms->environment == NULL || realms->hosts == NULL) {
        return false;
    }
    for (size_t i = 0; i < settings->trust_realms.count; i++) {
        realms->hosts[realms->count++] = settings->trust_realms.items[i].text;
    }
    char *rest = NULL;
    for (char *host = strtok_r(realms->environment, ", \t", &rest); host != NULL;
         host = strtok_r(NULL, ", \t", &rest)) {
        realms->hosts[realms->count++] = host;
    }
    return true;
}

static void warn_of_weakness(const struct settings *settings)
{
    const char *key_log = getenv("SSLKEYLOGFILE");
    if (!settings->tls_verify) {
        say("warning: certificates are not verified; anybody on the way can read and change data");
    }
    if (key_log != NULL && *key_log != '\0') {
        say("warning: SSLKEYLOGFILE is set; whoever reads %s can decrypt the connections", key_log);
    }
}

static uint32_t client_flags(const struct settings *settings)
{
    return (settings->anonymous ? LPIPE_CLIENT_ANONYMOUS : 0u) |
           (settings->plain_http ? LPIPE_CLIENT_PLAIN_HTTP : 0u) |
           (settings->tls_verify ? 0u : LPIPE_CLIENT_TLS_NO_VERIFY);
}

static int retry_option(int64_t count)
{
    return count < 0 ? 0 : count == 0 ? -1 : (int)count;
}

static int make_client(struct setup *setup, const struct settings *settings, const char *username,
                       const char *password, const struct realms *realms, struct lpipe_error *err)
{
    struct lpipe_client_options options = LPIPE_CLIENT_OPTIONS_INIT;
    options.flags = client_flags(settings);
    options.authfile = settings->authfile;
    options.username = username;
    options.password = password;
    options.cacert = settings->cacert;
    options.cert = settings->cert;
    options.key = settings->key;
    options.trust_realms = realms->hosts;
    options.trust_realm_count = realms->count;
    options.upload = (enum lpipe_upload_mode)settings->upload;
    options.chunk_bytes = settings->chunk_bytes;
    options.spool_dir = settings->spool_dir;
    options.retry_count = retry_option(settings->retry_count);
    options.jobs = (uint32_t)settings->jobs;
    options.rate_bytes_max = settings->rate_bytes_max;
    options.observer = progress_observer(setup->progress);
    options.cancel = setup->cancel;
    return lpipe_client_new(&options, &setup->client, err);
}

int setup_begin(struct setup *setup, const struct settings *settings, const char *username,
                const char *password)
{
    struct lpipe_error err = { 0 };
    __attribute__((cleanup(realms_done))) struct realms realms = { 0 };
    if (settings->key != NULL && settings->cert == NULL) {
        return usage_error(settings->verb, "--key needs --cert");
    }
    warn_of_weakness(settings);
    setup->progress = progress_new(settings);
    if (setup->progress == NULL || !realms_collect(&realms, settings)) {
        say("out of memory");
        return EXIT_RESOURCES;
    }
    if (stop_begin(&setup->cancel, &err) != 0 ||
        make_client(setup, settings, username, password, &realms, &err) != 0) {
        return print_failure(&err);
    }
    return 0;
}

void setup_done(struct setup *setup)
{
    setup->client = lpipe_client_free(setup->client);
    progress_free(setup->progress);
    setup->progress = NULL;
}
