/* SPDX-License-Identifier: Apache-2.0 */
#include "image/hidden_links.h"

#include "flow/layer.h"
#include "registry/client.h"

static const struct tar_tops *tops_of(const lpipe_image *image, size_t number)
{
    const struct image_layer *layer = &image->layers[number];
    return layer->kind == IMAGE_LAYER_UNREAD ? layer_tops(layer->unread) : NULL;
}

/* The layer below that has a symbolic link with this path, which nothing between the two replaces
 * or deletes; the layer's own number = none. */
static size_t find_link(const lpipe_image *image, size_t number, const char *path)
{
    for (size_t below = number; below-- > 0;) {
        const struct tar_tops *tops = tops_of(image, below);
        if (tops == NULL) {
            continue;
        }
        if (tar_top_has(&tops->links, path)) {
            return below;
        }
        if (tar_top_has(&tops->directories, path) || tar_top_has(&tops->whiteouts, path)) {
            return number;
        }
    }
    return number;
}

static void report_layer(const lpipe_image *image, size_t number, const struct tar_tops *tops)
{
    const char *first = NULL;
    size_t first_below = number;
    size_t count = 0;
    for (size_t i = 0; i < tops->directories.count; i++) {
        const char *path = tops->directories.paths[i];
        size_t below =
            tar_top_has(&tops->whiteouts, path) ? number : find_link(image, number, path);
        if (below != number && count++ == 0) {
            first = path;
            first_below = below;
        }
    }
    if (count > 0) {
        context_notice(&image->client->context,
                       "layer %zu: its directory %s replaces the symbolic link of layer %zu%s; "
                       "files that were reached through the link are not found there any more: "
                       "put the new ones where the link leads",
                       number + 1, first, first_below + 1,
                       count > 1 ? ", and there are more of this kind" : "");
    }
}

void hidden_links_report(const lpipe_image *image)
{
    for (size_t i = 1; i < image->layer_count; i++) {
        const struct tar_tops *tops = tops_of(image, i);
        if (tops != NULL) {
            report_layer(image, i, tops);
        }
    }
}
