/* SPDX-License-Identifier: Apache-2.0 */
#include "result_print.h"

#include <inttypes.h>

#include "digest_file.h"
#include "print.h"

int result_print(const struct settings *settings, const lpipe_ref *dest,
                 const struct printed_result *printed)
{
    struct text_out text = { 0 };
    char achieved[256];
    (void)snprintf(achieved, sizeof achieved, "%s %s succeeded", printed->achieved,
                   printed->digest);
    int file_code = digest_file_write(settings->digest_file, printed->digest, achieved);
    FILE *out = text_open(&text);
    if (out != NULL && settings->json) {
        printed->print_json(out, settings, printed->result);
    } else if (out != NULL) {
        (void)fprintf(out, "%s\n", printed->reference);
    }
    int code = print_result(dest, &text, achieved);
    return code != 0 ? code : file_code;
}

void json_image_members(FILE *out, const struct image_members *image)
{
    (void)fputs("\"reference\":", out);
    print_json_text(out, image->reference);
    (void)fputs(",\"tags\":[", out);
    for (size_t i = 0; i < image->tag_count; i++) {
        (void)fputs(i > 0 ? "," : "", out);
        print_json_text(out, image->tags[i]);
    }
    (void)fputs("],\"mediaType\":", out);
    print_json_text(out, image->media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, image->digest);
    (void)fprintf(out, ",\"size\":%" PRIu64, image->size);
}

void json_layer_members(FILE *out, const struct lpipe_layer_result *layer)
{
    (void)fputs("\"mediaType\":", out);
    print_json_text(out, layer->media_type);
    (void)fputs(",\"digest\":", out);
    print_json_text(out, layer->digest);
    (void)fprintf(out, ",\"size\":%" PRIu64, layer->size);
    if (layer->diff_id[0] != '\0') {
        (void)fputs(",\"diffId\":", out);
        print_json_text(out, layer->diff_id);
    }
    if (layer->uncompressed_size != LPIPE_SIZE_UNKNOWN) {
        (void)fprintf(out, ",\"uncompressedSize\":%" PRIu64, layer->uncompressed_size);
    }
    for (size_t i = 0; i < layer->annotation_count; i++) {
        (void)fputs(i == 0 ? ",\"annotations\":{" : ",", out);
        print_json_text(out, layer->annotations[i].key);
        (void)fputc(':', out);
        print_json_text(out, layer->annotations[i].value);
    }
    (void)fputs(layer->annotation_count > 0 ? "}" : "", out);
}
