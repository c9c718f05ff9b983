/* SPDX-License-Identifier: Apache-2.0 */
#include "failure_hint.h"

#include <stddef.h>

#define TRACE_HINT "-vv shows the requests and answers"

/* Every status with an exit status from 3 to 10. Where the registry has answered, the answer may
 * have another reason than the same status has for local files. */
static const struct {
    int status;
    const char *hint;
    const char *answered_hint; /* NULL = the same */
} rows[] = {
    { LPIPE_SOURCE_IO, "check that it exists and can be read", NULL },
    { LPIPE_NOT_TAR, "check the program that made it", NULL },
    { LPIPE_TRUNCATED, "check the exit status of the program that made it", NULL },
    { LPIPE_AUTH_REQUIRED, "run layerpipe login, or use --username with --password-fd", NULL },
    { LPIPE_DENIED, "ask the owner for this right, or run layerpipe login as another user", NULL },
    { LPIPE_NOT_FOUND, "check the name",
      "check the name; for a private repository run layerpipe login" },
    { LPIPE_NETWORK, "check the name, the network and the proxy, or use a higher --retry", NULL },
    { LPIPE_TIMEOUT, "try again later, or use a higher --retry", NULL },
    { LPIPE_TLS, "check the certificate and the --cacert, --cert and --key that are used", NULL },
    { LPIPE_RATE_LIMITED, "try again later; users who are logged in often have a higher limit",
      NULL },
    { LPIPE_SERVER, "try again later, or use a higher --retry", NULL },
    { LPIPE_REFUSED, "check the configuration of the registry and of proxies; " TRACE_HINT,
      TRACE_HINT },
    { LPIPE_PROTOCOL, "check the program, registry or proxy that made it",
      "it may be the answer of a proxy or a login page; " TRACE_HINT },
    { LPIPE_TOO_LARGE, "make it smaller: this maximum cannot be changed", TRACE_HINT },
    { LPIPE_OUTPUT_IO, "check the permissions and the free space there", NULL },
    { LPIPE_INTEGRITY, "try again; if it fails again, its store or a proxy has changed the data",
      NULL },
    { LPIPE_NO_MEMORY, "use fewer --threads and --jobs, or a smaller --memory", NULL },
    { LPIPE_NO_RESOURCES, "check ulimit -a, or use fewer --threads and --jobs", NULL },
};

const char *failure_hint(const struct lpipe_error *err)
{
    if ((err->flags & LPIPE_ERROR_MAYBE_PUBLISHED) != 0) {
        return PUBLISHED_NOTE;
    }
    if ((err->flags & LPIPE_ERROR_ADVICE) != 0) {
        return NULL;
    }
    if ((err->flags & LPIPE_ERROR_REPLAY) != 0) {
        return "to be able to send it again, use a file as input, --upload chunked or --spool DIR";
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == err->status) {
            return err->http_status != 0 && rows[i].answered_hint != NULL ? rows[i].answered_hint
                                                                          : rows[i].hint;
        }
    }
    return NULL;
}
