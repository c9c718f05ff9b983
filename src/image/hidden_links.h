/* SPDX-License-Identifier: Apache-2.0 */
/* Symbolic links that a directory of a higher layer replaces. Container runtimes make the directory
 * and drop the link: where /bin was a link to usr/bin, no program is found in it any more. */
#ifndef IMAGE_HIDDEN_LINKS_H
#define IMAGE_HIDDEN_LINKS_H

#include "image/image.h"

/* One notice for each layer that does it, of the layers that were read by this push: what the base
 * and known layers contain is not known. The thread that pushes. */
void hidden_links_report(const lpipe_image *image);

#endif
