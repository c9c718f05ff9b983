/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: "os/arch[/variant]". No I/O, except that platform_host() asks the kernel. Any
 * thread. */
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H

#include "base/fail.h"

struct platform {
    char os[32];
    char arch[32];
    char variant[32];    /* "" = none */
    char os_version[64]; /* from an index or config; not compared */
};
#define PLATFORM_TEXT_SIZE 100

/* Parses a user's text. Other spellings ("x86_64", "aarch64", "arm64/v8") are normalised.
 * INVALID_ARGUMENT. */
MUST_CHECK int platform_parse(const char *text, struct platform *ret_platform,
                              struct lpipe_error *err);
/* This machine's platform: linux, its architecture and variant. */
void platform_host(struct platform *ret_platform);
/* Replaces other spellings by the ones of the image specification (Go's names): amd64, 386, arm64
 * without v8, arm with v7 when it has no variant. */
void platform_normalise(struct platform *platform);
/* How well an image for the platform offered fits the platform wanted: 0 = does not run, higher is
 * better. A variant also runs older variants (arm v7 runs v6 and v5, amd64 v3 runs v2) and images
 * without a variant. */
int platform_score(const struct platform *wanted, const struct platform *offered);
/* True for the same platform in any spelling; versions of the operating system count, too. */
bool platform_equal(const struct platform *a, const struct platform *b);
/* "linux/arm/v7". Returns buf. */
char *platform_text(const struct platform *platform, char buf[PLATFORM_TEXT_SIZE]);

#endif
