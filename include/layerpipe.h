/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe: reads a stream once and makes an OCI layer of it.
 *
 * Include this header only. It includes all other headers.
 *
 * Conventions
 *   - Functions return 0 (or a documented positive value) on success and a negative
 *     enum lpipe_status on failure. The names in "@return" are without their prefix LPIPE_. Every
 *     function can also return NO_MEMORY.
 *   - Outputs are named ret_* and are untouched on failure.
 *   - The last argument is a struct lpipe_error of the caller. It may be NULL and needs no
 *     initialisation.
 *   - Parameters are borrowed for the call, and strings end with NUL, unless said otherwise.
 *   - An option struct starts with struct_size; initialise it with its _INIT macro. A zero in any
 *     other member means "default". A pointer to options may be NULL: all defaults.
 *   - A result struct is initialised with its _INIT macro too. A pointer to it may be NULL unless
 *     said otherwise: then no result is returned.
 *   - *_free() and *_unref() accept NULL and return NULL.
 *   - Sizes are in bytes.
 *   - Threads: one thread at a time may use an object; different threads may use different objects
 *     at the same time. Where more is allowed, the function or type says so.
 *
 * Specifications that the comments name: OCI Image Format ("image-spec") and OCI Distribution
 * ("distribution-spec").
 */
#ifndef LAYERPIPE_H
#define LAYERPIPE_H

#include "layerpipe/client.h"
#include "layerpipe/content.h"
#include "layerpipe/copy.h"
#include "layerpipe/error.h"
#include "layerpipe/image.h"
#include "layerpipe/index.h"
#include "layerpipe/layer.h"
#include "layerpipe/observe.h"
#include "layerpipe/push.h"
#include "layerpipe/ref.h"
#include "layerpipe/text.h"
#include "layerpipe/version.h"

#endif
