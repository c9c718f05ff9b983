/* SPDX-License-Identifier: Apache-2.0 */
/* A main for fuzz targets without a fuzzer: feeds every file of the directories named, so that
 * targets and corpus are exercised by each test run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    /* A block of exactly the size, so that a read past its end is seen. */
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) {
        return 1;
    }
    for (size_t i = 0; i < size; i++) {
        exact[i] = bytes[i];
    }
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int replay_directory(const char *path)
{
    int failed = 0;
    size_t count = 0;
    DIR *dir = opendir(path);
    if (dir == NULL) {
        perror(path);
        return 1;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char file[4096];
        if (entry->d_name[0] != '.') {
            (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
            failed |= replay_file(file);
            count++;
        }
    }
    (void)closedir(dir);
    return failed != 0 || count == 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2 ? 2 : 0;
    for (int i = 1; i < argc; i++) {
        failed |= replay_directory(argv[i]);
    }
    return failed;
}
