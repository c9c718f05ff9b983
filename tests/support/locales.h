/* SPDX-License-Identifier: Apache-2.0 */
/* Locales for tests. Which ones there are besides "C" is left to the system, so a test makes its
 * own. */
#ifndef SUPPORT_LOCALES_H
#define SUPPORT_LOCALES_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/scratch.h"

/* Makes a locale in the directory `places` and selects it; false where that is not possible. */
static inline bool make_locale(const struct scratch *places, const char *name, const char *charset)
{
    char command[400];
    (void)snprintf(command, sizeof command,
                   "localedef -i %.5s -f %s --no-archive %s/%s >/dev/null 2>&1", name, charset,
                   places->dir, name);
    (void)!system(command);
    (void)setenv("LOCPATH", places->dir, 1);
    bool selected = setlocale(LC_ALL, name) != NULL;
    (void)unsetenv("LOCPATH");
    return selected;
}

#endif
