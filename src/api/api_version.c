/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions for the version and the build. */
#include "codec/codec.h"
#include "layerpipe/version.h"

const char *lpipe_version(void)
{
    return LPIPE_VERSION;
}

const char *lpipe_build_info(void)
{
    return codec_build_info();
}
