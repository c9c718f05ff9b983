/* SPDX-License-Identifier: Apache-2.0 */
/* References: no crash, and what is accepted is accepted again by its full name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "layerpipe/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lpipe_error err;
    lpipe_ref *ref = NULL;
    lpipe_ref *again = NULL;
    char *text = calloc(1, size + 1);
    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    if (lpipe_ref_parse(text, 0, &ref, &err) == 0) {
        if (lpipe_ref_kind(ref) == LPIPE_REF_REGISTRY &&
            (strlen(lpipe_ref_repository(ref)) <= 255 &&
             (lpipe_ref_parse(lpipe_ref_name(ref), LPIPE_REF_STRICT, &again, &err) != 0 ||
              strcmp(lpipe_ref_name(ref), lpipe_ref_name(again)) != 0))) {
            abort();
        }
    }
    lpipe_ref_free(again);
    lpipe_ref_free(ref);
    free(text);
    return 0;
}
