/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and the error value. */
#ifndef LAYERPIPE_ERROR_H
#define LAYERPIPE_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LPIPE_API __attribute__((visibility("default")))
#define LPIPE_CHECK __attribute__((warn_unused_result))
#else
#define LPIPE_API
#define LPIPE_CHECK
#endif

/** Kinds of failure. The values do not change between versions. */
enum lpipe_status {
    LPIPE_OK = 0,
    LPIPE_CANCELLED = -1,        /**< the cancel token was triggered */
    LPIPE_INVALID_ARGUMENT = -2, /**< a value of the caller is wrong; nothing was done */
    LPIPE_INVALID_STATE = -3,    /**< a call that the object's state does not allow */
    LPIPE_NO_MEMORY = -4,        /**< an allocation failed */
    LPIPE_NO_RESOURCES = -5,     /**< no thread, descriptor or libcurl, or too low a memory limit */
    LPIPE_SOURCE_IO = -6,        /**< reading the stream failed */
    LPIPE_NOT_TAR = -7,          /**< the stream is not a valid tar archive */
    LPIPE_TRUNCATED = -8,        /**< the stream ended before its end-of-archive mark */
    LPIPE_OUTPUT_IO = -9,        /**< writing a local file failed */
    LPIPE_NETWORK = -10,         /**< connection refused, reset, lost, name not resolved */
    LPIPE_TIMEOUT = -11,         /**< the other side did not answer in time */
    LPIPE_TLS = -12,             /**< certificate or handshake refused */
    LPIPE_AUTH_REQUIRED = -13,   /**< credentials are missing, wrong or must not be sent there */
    LPIPE_DENIED = -14,          /**< the credentials do not allow it */
    LPIPE_NOT_FOUND = -15,       /**< repository, manifest, blob or tag does not exist */
    LPIPE_RATE_LIMITED = -16,    /**< the registry demands a longer wait than is allowed */
    LPIPE_SERVER = -17,          /**< the registry failed (5xx) after all retries */
    LPIPE_REFUSED = -18,         /**< the registry refused the content or the request */
    LPIPE_PROTOCOL = -19,        /**< the answer does not follow the protocol */
    LPIPE_INTEGRITY = -20,       /**< digest or size does not match */
    LPIPE_UNSUPPORTED = -21,     /**< not possible with this object, input or build */
    LPIPE_TOO_LARGE = -22,       /**< a document exceeds its fixed maximum */
    LPIPE_NOT_COMPUTED = -23,    /**< the stream has not ended yet */
    LPIPE_IN_USE = -24,          /**< the layer is being read already */
    LPIPE_CONSUMED = -25,        /**< the layer was read already; streams are read once */
    LPIPE_ABORTED = -26,         /**< closed before the stream ended */
    LPIPE_STATUS_MIN = -26
};

/** Bits of lpipe_error.flags. */
enum lpipe_error_flag {
    LPIPE_ERROR_RETRYABLE = 1u << 0, /**< the same call may succeed later */
    LPIPE_ERROR_REPLAY = 1u << 1,    /**< it may succeed if the stream is sent again from byte 0 */
    LPIPE_ERROR_ADVICE = 1u << 2,    /**< the message itself says what the user can do */
    /** A manifest of the call was sent before the failure, and the registry may have stored it: a
     * tag may be set. */
    LPIPE_ERROR_MAYBE_PUBLISHED = 1u << 3
};

/** One failure. It owns nothing, so it can be copied by assignment and needs no free function. */
struct lpipe_error {
    int32_t status;         /**< enum lpipe_status */
    int32_t sys_errno;      /**< errno of the failing call, else 0 */
    int32_t http_status;    /**< HTTP status of the registry's answer, else 0 */
    uint32_t flags;         /**< enum lpipe_error_flag */
    uint64_t offset;        /**< position in the stream, in bytes; UINT64_MAX = none */
    char registry_code[48]; /**< code in the registry's error body ("DENIED"; see
                               distribution-spec, "Error Codes"), else "" */
    /** One line without secrets; ends with "..." when it was cut. Options and functions are named
     * as in these headers, between backquotes: `spool_dir`, `lpipe_login`. */
    char message[512];
    uint64_t reserved[4];
};

/**
 * Name of a status.
 * @param status enum lpipe_status, or any other number
 * @return "NOT_FOUND" for LPIPE_NOT_FOUND; never NULL; a constant string. Any thread.
 */
LPIPE_API const char *lpipe_status_name(int status);

/**
 * Tells whether the failed call may succeed when it is repeated later.
 * @param err may be NULL: false
 * @return the flag LPIPE_ERROR_RETRYABLE. Any thread.
 */
LPIPE_API bool lpipe_error_is_retryable(const struct lpipe_error *err);

/**
 * Exit status of the layerpipe command for a status: see layerpipe-errors(7).
 * @param status enum lpipe_status
 * @return 0 to 10. Any thread.
 */
LPIPE_API int lpipe_status_exit_code(int status);

#ifdef __cplusplus
}
#endif

#endif
