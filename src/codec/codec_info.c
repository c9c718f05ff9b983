/* SPDX-License-Identifier: Apache-2.0 */
/* The names and versions of the libraries, as constant text made at compile time, so any thread
 * may use it. LPIPE_BUILD_LIBRARIES has the libraries that are not codecs. */
#include "base/macros.h"
#include "codec/codec.h"

#include <zlib.h>
#include <zstd.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef HAVE_ISAL
#include <isa-l.h>
#endif

#ifdef HAVE_LIBDEFLATE
#define DEFLATE_LINE "gzip -1, 3 to 12: libdeflate " LIBDEFLATE_VERSION_STRING "\n"
#define REST_LINE "gzip -2: zlib " ZLIB_VERSION "\n"
#else
#define DEFLATE_LINE ""
#define REST_LINE "gzip, other levels: zlib " ZLIB_VERSION "\n"
#endif
#ifdef HAVE_ISAL
#define ISAL_NUMBER                                                                                \
    TEXT_OF(ISAL_MAJOR_VERSION) "." TEXT_OF(ISAL_MINOR_VERSION) "." TEXT_OF(ISAL_PATCH_VERSION)
#define ISAL_LINE "gzip 1, 2: ISA-L " ISAL_NUMBER "\n"
#elif defined(HAVE_LIBDEFLATE)
#define ISAL_LINE "gzip 1, 2: libdeflate " LIBDEFLATE_VERSION_STRING "\n"
#else
#define ISAL_LINE ""
#endif

const char *codec_build_info(void)
{
    return ISAL_LINE DEFLATE_LINE REST_LINE "zstd 1 to 19: libzstd " ZSTD_VERSION_STRING
                                            "\n" LPIPE_BUILD_LIBRARIES "\n";
}
