/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/platform.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"

/* Other spellings of an architecture, and its name in the image specification (Go's names). */
static const struct {
    const char *name;
    const char *arch;
    const char *variant; /* set when the platform has none; NULL = none */
} ALIASES[] = {
    { "x86_64", "amd64", NULL },
    { "x86-64", "amd64", NULL },
    { "aarch64", "arm64", NULL },
    { "aarch64_be", "arm64be", NULL },
    { "i386", "386", NULL },
    { "i486", "386", NULL },
    { "i586", "386", NULL },
    { "i686", "386", NULL },
    { "armhf", "arm", "v7" },
    { "armel", "arm", "v6" },
    { "armv5tel", "arm", "v5" },
    { "armv5tejl", "arm", "v5" },
    { "armv6l", "arm", "v6" },
    { "armv7l", "arm", "v7" },
    { "armv8l", "arm", "v8" },
    { "ppc64el", "ppc64le", NULL },
    { "mips64el", "mips64le", NULL },
    { "mipsel", "mipsle", NULL },
    { "loongarch64", "loong64", NULL },
};

void platform_normalise(struct platform *platform)
{
    for (size_t i = 0; i < ARRAY_LEN(ALIASES); i++) {
        if (strcmp(platform->arch, ALIASES[i].name) == 0) {
            (void)snprintf(platform->arch, sizeof platform->arch, "%s", ALIASES[i].arch);
            if (ALIASES[i].variant != NULL && platform->variant[0] == '\0') {
                (void)snprintf(platform->variant, sizeof platform->variant, "%s",
                               ALIASES[i].variant);
            }
            break;
        }
    }
    char digit = platform->variant[0];
    if (digit >= '0' && digit <= '9' && platform->variant[1] == '\0') {
        (void)snprintf(platform->variant, sizeof platform->variant, "v%c", digit);
    }
    if (strcmp(platform->arch, "arm64") == 0 && strcmp(platform->variant, "v8") == 0) {
        platform->variant[0] = '\0';
    }
    if (strcmp(platform->arch, "amd64") == 0 && strcmp(platform->variant, "v1") == 0) {
        platform->variant[0] = '\0';
    }
    if (strcmp(platform->arch, "arm") == 0 && platform->variant[0] == '\0') {
        memcpy(platform->variant, "v7", 3);
    }
}

/* Copies one part in lower case. Letters, digits, '.', '_' and '-' are allowed. */
static bool copy_part(const char *text, size_t size, char *buf, size_t buf_size)
{
    if (size == 0 || size >= buf_size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
        bool allowed =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
        if (!allowed) {
            return false;
        }
        buf[i] = c;
    }
    buf[size] = '\0';
    return true;
}

bool platform_equal(const struct platform *a, const struct platform *b)
{
    struct platform left = *a, right = *b;
    platform_normalise(&left);
    platform_normalise(&right);
    return strcmp(left.os, right.os) == 0 && strcmp(left.arch, right.arch) == 0 &&
           strcmp(left.variant, right.variant) == 0 &&
           strcmp(left.os_version, right.os_version) == 0;
}

int platform_parse(const char *text, struct platform *ret_platform, struct lpipe_error *err)
{
    struct platform platform = { "", "", "", "" };
    size_t os = strcspn(text, "/");
    const char *arch = text[os] == '/' ? text + os + 1 : "";
    size_t arch_size = strcspn(arch, "/");
    const char *variant = arch[arch_size] == '/' ? arch + arch_size + 1 : NULL;
    if (!copy_part(text, os, platform.os, sizeof platform.os) ||
        !copy_part(arch, arch_size, platform.arch, sizeof platform.arch) ||
        (variant != NULL &&
         !copy_part(variant, strlen(variant), platform.variant, sizeof platform.variant))) {
        char shown[64];
        return fail(err, LPIPE_INVALID_ARGUMENT,
                    "platform '%s': write it as OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64",
                    text_printable(shown, sizeof shown, text, strlen(text)));
    }
    platform_normalise(&platform);
    *ret_platform = platform;
    return 0;
}

void platform_host(struct platform *ret_platform)
{
    struct platform platform = { "linux", "", "", "" };
    struct utsname host = { 0 };
    /* A 32-bit build on a 64-bit kernel makes 32-bit images. */
#if defined(__i386__)
    (void)host;
    const char *machine = "386";
#elif defined(__arm__)
    const char *machine = uname(&host) == 0 && text_starts(host.machine, "armv") &&
                                  !text_starts(host.machine, "armv8")
                              ? host.machine
                              : "armv7l";
#else
    const char *machine = uname(&host) == 0 ? host.machine : "";
#endif
    if (!copy_part(machine, strlen(machine), platform.arch, sizeof platform.arch)) {
        memcpy(platform.arch, "unknown", sizeof "unknown");
    }
    platform_normalise(&platform);
    *ret_platform = platform;
}

/* 7 for "v7"; 0 for any other text. */
static int variant_level(const char *variant)
{
    return variant[0] == 'v' && variant[1] >= '1' && variant[1] <= '9' && variant[2] == '\0'
               ? variant[1] - '0'
               : 0;
}

int platform_score(const struct platform *wanted, const struct platform *offered)
{
    if (strcmp(wanted->os, offered->os) != 0 || strcmp(wanted->arch, offered->arch) != 0) {
        return 0;
    }
    if (strcmp(wanted->variant, offered->variant) == 0) {
        return 100;
    }
    int can_run = variant_level(wanted->variant);
    int needs = variant_level(offered->variant);
    if (offered->variant[0] == '\0') {
        return 1; /* an image without a variant runs on all variants */
    }
    return can_run > 0 && needs > 0 && needs < can_run ? 10 + needs : 0;
}

char *platform_text(const struct platform *platform, char buf[PLATFORM_TEXT_SIZE])
{
    (void)snprintf(buf, PLATFORM_TEXT_SIZE, "%s/%s%s%s", platform->os, platform->arch,
                   platform->variant[0] == '\0' ? "" : "/", platform->variant);
    return buf;
}
