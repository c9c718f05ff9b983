/* SPDX-License-Identifier: Apache-2.0 */
/* Names and exit codes of the status enum. */
#include "base/fail.h"

static const struct {
    const char *name;
    int exit_code;
} table[] = {
    [-LPIPE_OK] = { "OK", 0 },
    [-LPIPE_CANCELLED] = { "CANCELLED", 1 },
    [-LPIPE_INVALID_ARGUMENT] = { "INVALID_ARGUMENT", 2 },
    [-LPIPE_INVALID_STATE] = { "INVALID_STATE", 1 },
    [-LPIPE_NO_MEMORY] = { "NO_MEMORY", 10 },
    [-LPIPE_NO_RESOURCES] = { "NO_RESOURCES", 10 },
    [-LPIPE_SOURCE_IO] = { "SOURCE_IO", 3 },
    [-LPIPE_NOT_TAR] = { "NOT_TAR", 3 },
    [-LPIPE_TRUNCATED] = { "TRUNCATED", 3 },
    [-LPIPE_OUTPUT_IO] = { "OUTPUT_IO", 8 },
    [-LPIPE_NETWORK] = { "NETWORK", 6 },
    [-LPIPE_TIMEOUT] = { "TIMEOUT", 6 },
    [-LPIPE_TLS] = { "TLS", 6 },
    [-LPIPE_AUTH_REQUIRED] = { "AUTH_REQUIRED", 4 },
    [-LPIPE_DENIED] = { "DENIED", 4 },
    [-LPIPE_NOT_FOUND] = { "NOT_FOUND", 5 },
    [-LPIPE_RATE_LIMITED] = { "RATE_LIMITED", 6 },
    [-LPIPE_SERVER] = { "SERVER", 6 },
    [-LPIPE_REFUSED] = { "REFUSED", 7 },
    [-LPIPE_PROTOCOL] = { "PROTOCOL", 7 },
    [-LPIPE_INTEGRITY] = { "INTEGRITY", 9 },
    [-LPIPE_UNSUPPORTED] = { "UNSUPPORTED", 1 },
    [-LPIPE_TOO_LARGE] = { "TOO_LARGE", 7 },
    [-LPIPE_NOT_COMPUTED] = { "NOT_COMPUTED", 1 },
    [-LPIPE_IN_USE] = { "IN_USE", 1 },
    [-LPIPE_CONSUMED] = { "CONSUMED", 1 },
    [-LPIPE_ABORTED] = { "ABORTED", 1 },
};
_Static_assert(ARRAY_LEN(table) == -LPIPE_STATUS_MIN + 1, "every status has a row");

static bool known(int status)
{
    return status <= 0 && status >= LPIPE_STATUS_MIN;
}

const char *lpipe_status_name(int status)
{
    return known(status) ? table[-status].name : "UNKNOWN";
}

int lpipe_status_exit_code(int status)
{
    return known(status) ? table[-status].exit_code : 1;
}

bool lpipe_error_is_retryable(const struct lpipe_error *err)
{
    return err != NULL && (err->flags & LPIPE_ERROR_RETRYABLE) != 0;
}
