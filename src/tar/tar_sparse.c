/* SPDX-License-Identifier: Apache-2.0 */
#include "tar/tar_sparse.h"

#include "base/limits.h"
#include "tar/tar_header.h"

void tar_sparse_begin(struct tar_sparse *map)
{
    *map = (struct tar_sparse){ 0 };
}

void tar_sparse_byte(struct tar_sparse *map, unsigned char c)
{
    tar_decimal_byte(&map->number, c);
}

static void add_region(struct tar_sparse *map, int64_t length)
{
    if (map->offset < map->end || length < 0 || map->offset > INT64_MAX - length) {
        map->wrong = true;
        return;
    }
    map->end = map->offset + length;
    map->stored += length;
}

void tar_sparse_number_end(struct tar_sparse *map)
{
    int64_t value = 0;
    if (!tar_decimal_end(&map->number, &value)) {
        map->wrong = true;
    } else if (map->count % 2 == 0) {
        map->offset = value;
    } else if (!map->wrong) {
        add_region(map, value);
    }
    map->count++;
    tar_decimal_begin(&map->number);
}

bool tar_sparse_fits(const struct tar_sparse *map, int64_t regions_wanted, int64_t size,
                     uint64_t stored)
{
    return !map->wrong && regions_wanted >= 0 && map->count % 2 == 0 &&
           map->count / 2 == (uint64_t)regions_wanted && map->end <= size && size >= 0 &&
           (uint64_t)map->stored == stored;
}

void tar_sparse_data_begin(struct tar_sparse_data *data)
{
    *data = (struct tar_sparse_data){ 0 };
}

static void line_end(struct tar_sparse_data *data)
{
    if (data->counted) {
        tar_sparse_number_end(&data->map);
        return;
    }
    data->counted = true;
    if (!tar_decimal_end(&data->map.number, &data->regions) || data->regions < 0) {
        data->map.wrong = true;
    }
    tar_decimal_begin(&data->map.number);
}

static bool is_complete(const struct tar_sparse_data *data)
{
    return data->counted && data->map.count / 2 == (uint64_t)data->regions;
}

enum tar_sparse_state tar_sparse_data_feed(struct tar_sparse_data *data, const unsigned char *bytes,
                                           size_t size, bool block_ends)
{
    for (size_t i = 0; i < size && !data->map.wrong && !is_complete(data); i++) {
        if (bytes[i] == '\n') {
            line_end(data);
        } else {
            tar_sparse_byte(&data->map, bytes[i]);
        }
    }
    data->bytes += block_ends ? TAR_BLOCK_BYTES : 0;
    if (data->map.wrong) {
        return TAR_SPARSE_WRONG;
    }
    if (block_ends && is_complete(data)) {
        return TAR_SPARSE_DONE;
    }
    return data->bytes >= TAR_EXTENSION_BYTES_MAX ? TAR_SPARSE_WRONG : TAR_SPARSE_MORE;
}
