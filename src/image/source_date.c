/* SPDX-License-Identifier: Apache-2.0 */
#include "image/source_date.h"

#include <string.h>

#include "base/environment.h"
#include "base/text.h"
#include "oci/time_text.h"

int source_date_read(int64_t *ret_seconds, struct lpipe_error *err)
{
    const char *text = environment_get(ENVIRONMENT_SOURCE_DATE_EPOCH);
    uint64_t seconds = 0;
    char shown[TIME_TEXT_SIZE];
    if (text == NULL) {
        return 0;
    }
    if (!text_to_u64(text, strlen(text), INT64_MAX, &seconds) ||
        !time_format((int64_t)seconds, shown)) {
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "SOURCE_DATE_EPOCH '%s' is not a number of seconds since 1970",
                    text_printable(shown, sizeof shown, text, strlen(text)));
    }
    *ret_seconds = (int64_t)seconds;
    return 0;
}
