/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses the entry of an index for a platform. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "oci/manifest.h"

/* Build attestations are entries with the platform "unknown/unknown". */
static bool is_usable(const struct manifest_item *item)
{
    return item->platform.os[0] != '\0' && strcmp(item->platform.os, "unknown") != 0 &&
           item->platform.arch[0] != '\0' && strcmp(item->platform.arch, "unknown") != 0;
}

static bool is_image(const struct manifest_item *item)
{
    enum media_role role = media_type_role(item->descriptor.media_type, NULL);
    return role == MEDIA_ROLE_MANIFEST || role == MEDIA_ROLE_INDEX;
}

/* Images whose entry does not say for which platform they are. */
static size_t count_without_platform(const struct manifest *index)
{
    size_t count = 0;
    for (size_t i = 0; i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        count += is_image(item) && item->platform.os[0] == '\0' && item->platform.arch[0] == '\0'
                     ? 1
                     : 0;
    }
    return count;
}

/* Appends "linux/amd64, linux/arm/v7" to buf, as much as fits. Returns the text that must follow it
 * in the message. */
static const char *list_platforms(const struct manifest *index, struct buf *buf)
{
    char text[PLATFORM_TEXT_SIZE];
    char shown[PLATFORM_TEXT_SIZE + 8];
    for (size_t i = 0; i < index->item_count; i++) {
        if (!is_usable(&index->items[i])) {
            continue;
        }
        platform_text(&index->items[i].platform, text);
        text_printable(shown, sizeof shown, text, strlen(text));
        if (buf_printf(buf, "%s%s", buf->size > 0 ? ", " : "", shown) != 0) {
            return " and more";
        }
    }
    return buf->size > 0 ? "" : "none";
}

static int fail_no_platform(const struct manifest *index, const struct platform *platform,
                            struct lpipe_error *err)
{
    AUTO_BUF struct buf list = BUF_INIT(300);
    char wanted[PLATFORM_TEXT_SIZE];
    char unnamed[80] = "";
    size_t count = count_without_platform(index);
    const char *rest = list_platforms(index, &list);
    if (count > 0) {
        (void)snprintf(unnamed, sizeof unnamed,
                       "%s%zu without a platform; name an image by its digest",
                       list.size > 0 ? ", " : "", count);
        rest = list.size > 0 ? rest : "";
    }
    return fail_with_advice(err, LPIPE_NOT_FOUND, "the index has no image for %s; it has %s%s%s",
                            platform_text(platform, wanted), list.size > 0 ? list.data : "", rest,
                            unnamed);
}

int manifest_choose(const struct manifest *index, const struct platform *platform,
                    const struct manifest_item **ret_item, struct lpipe_error *err)
{
    const struct manifest_item *best = NULL;
    int best_score = 0;
    for (size_t i = 0; i < index->item_count; i++) {
        const struct manifest_item *item = &index->items[i];
        int score =
            is_image(item) && is_usable(item) ? platform_score(platform, &item->platform) : 0;
        if (score > best_score) {
            best = item;
            best_score = score;
        }
    }
    if (best == NULL && index->item_count == 1 && is_image(&index->items[0]) &&
        index->items[0].platform.os[0] == '\0') {
        best = &index->items[0];
    }
    if (best != NULL) {
        *ret_item = best;
        return 0;
    }
    return fail_no_platform(index, platform, err);
}
