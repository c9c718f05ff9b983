/* SPDX-License-Identifier: Apache-2.0 */
/* Platforms: "os/arch[/variant]", this machine's, and which child of an index fits. Pure except
 * for platform_host(), which asks the kernel. */
#ifndef OCI_PLATFORM_H
#define OCI_PLATFORM_H

#include "base/fail.h"

struct platform {
    char os[32];
    char arch[32];
    char variant[32];    /* "" = none */
    char os_version[64]; /* only as read from an index or config; never compared */
};
#define PLATFORM_TEXT_SIZE 100

/* Parses user text; spellings of other tools ("x86_64", "aarch64", "arm64/v8") are normalised.
 * INVALID_ARGUMENT. */
MUST_CHECK int platform_parse(const char *text, struct platform *ret_platform,
                              struct lpipe_error *err);
/* This machine: linux, and the architecture and variant it runs. */
void platform_host(struct platform *ret_platform);
/* Normalises in place: amd64, arm64 (v8 dropped), arm without variant = v7, 386. */
void platform_normalise(struct platform *platform);
/* How well an offered platform serves a wanted one: 0 = not at all, higher is better. arm variants
 * run older ones (v7 takes v6 and v5); amd64 v3 takes v2 and none; a wanted platform without
 * variant prefers an offer without. */
int platform_score(const struct platform *wanted, const struct platform *offered);
/* "linux/arm/v7". Returns buf. */
char *platform_text(const struct platform *platform, char buf[PLATFORM_TEXT_SIZE]);

#endif
