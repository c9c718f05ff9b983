/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe: turn a stream that cannot be rewound into an OCI layer, in one pass.
 *
 * Include this header only; the headers below it are its parts.
 *
 * Conventions
 *   - Functions return 0 (or a documented positive value) on success and a negative
 *     enum lpipe_status on failure. Outputs are named ret_* and are untouched on failure.
 *   - The last argument is a caller-owned struct lpipe_error and may be NULL.
 *   - An option struct starts with struct_size; initialise it with its _INIT macro. The zero
 *     of every other member means "default".
 *   - *_free() and *_unref() accept NULL and return NULL.
 *   - Unless said otherwise an object may be used by one thread at a time; different objects
 *     may be used by different threads at once.
 */
#ifndef LAYERPIPE_H
#define LAYERPIPE_H

#include "layerpipe/client.h"
#include "layerpipe/error.h"
#include "layerpipe/image.h"
#include "layerpipe/layer.h"
#include "layerpipe/observe.h"
#include "layerpipe/push.h"
#include "layerpipe/ref.h"
#include "layerpipe/version.h"

#endif
