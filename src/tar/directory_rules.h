/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller wants to be different in the tar of a directory: owner, place, permission bits,
 * and what is left out. Read-only after directory_rules_parse(). */
#ifndef TAR_DIRECTORY_RULES_H
#define TAR_DIRECTORY_RULES_H

#include "layerpipe/layer.h"
#include "tar/mode_change.h"

struct directory_rules {
    bool has_owner;
    unsigned uid, gid;
    char *prefix; /* "usr/share/" or ""; never NULL after parse */
    struct mode_change mode;
    char **patterns;
    size_t pattern_count;
};

/* Copies the texts of options, which may be NULL. INVALID_ARGUMENT. The caller frees ret_rules with
 * directory_rules_dispose(), also after a failure. */
MUST_CHECK int directory_rules_parse(const struct lpipe_directory_options *options,
                                     struct directory_rules *ret_rules, struct lpipe_error *err);
void directory_rules_dispose(struct directory_rules *rules);

/* Whether the path, in the tar and without '/' at its end, is left out. */
bool directory_rules_exclude(const struct directory_rules *rules, const char *path);

#endif
