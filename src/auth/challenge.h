/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate: what a registry asks for. A strict reader of RFC 9110's challenges, with caps
 * on everything; what is malformed ends the reading of that header line, and what was whole before
 * stays. No text with control characters comes out. Pure; any thread. */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include "base/buf.h"

enum challenge_scheme {
    CHALLENGE_NONE = 0, /* nothing that can be answered */
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
/* One header value of that size. Improves *challenge if it holds something better. */
MUST_CHECK int challenge_read_line(const char *value, size_t size, struct challenge *challenge,
                                   struct lpipe_error *err);
void challenge_dispose(struct challenge *challenge);
#define AUTO_CHALLENGE CLEANUP(challenge_dispose)

#endif
