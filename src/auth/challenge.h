/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the WWW-Authenticate header (RFC 9110, 11.6.1). Every size is limited. A malformed
 * challenge ends the reading of its header line; challenges before it are kept. The texts have
 * no control characters. Pure; any thread. */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include "base/buf.h"

enum challenge_scheme {
    CHALLENGE_NONE = 0, /* no challenge of a known scheme */
    CHALLENGE_BASIC = 1,
    CHALLENGE_BEARER = 2
};

/* Texts are owned, NULL where absent. */
struct challenge {
    enum challenge_scheme scheme;
    char *realm;
    char *service;
    char *scope;
    char *error;
};
#define CHALLENGE_INIT                                                                             \
    {                                                                                              \
        CHALLENGE_NONE, NULL, NULL, NULL, NULL                                                     \
    }

/* Reads all header lines of an answer ("name: value\n", names lower-cased) and chooses: the first
 * Bearer challenge with a realm, else the first Basic one. 0 also when there is none; NO_MEMORY. */
MUST_CHECK int challenge_read(const struct buf *headers, struct challenge *ret_challenge,
                              struct lpipe_error *err);
/* Reads one header value. Replaces *challenge if it contains a better one. */
MUST_CHECK int challenge_read_line(const char *value, size_t size, struct challenge *challenge,
                                   struct lpipe_error *err);
void challenge_dispose(struct challenge *challenge);
#define AUTO_CHALLENGE CLEANUP(challenge_dispose)

#endif
