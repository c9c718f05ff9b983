/* SPDX-License-Identifier: Apache-2.0 */
#include "toc/toc_trailer.h"

#include "base/limits.h"

void toc_trailer_init(struct toc_trailer *trailer, const char *spool_dir)
{
    *trailer = (struct toc_trailer){ 0 };
    spool_init(&trailer->bytes, spool_dir, TOC_MEMORY_MAX);
}

void toc_trailer_dispose(struct toc_trailer *trailer)
{
    spool_dispose(&trailer->bytes);
}
