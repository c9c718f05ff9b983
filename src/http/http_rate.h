/* SPDX-License-Identifier: Apache-2.0 */
/* The limit for bytes sent per second, shared by all calls of an HTTP client. Up to a tenth of a
 * second's bytes may be sent at once. For the network thread. */
#ifndef HTTP_HTTP_RATE_H
#define HTTP_HTTP_RATE_H

#include <stddef.h>
#include <stdint.h>

struct http_rate {
    uint64_t bytes_max; /* per second; 0 = no limit */
    uint64_t bytes;     /* that may be sent now */
    uint64_t counted_ms;
};
void http_rate_init(struct http_rate *rate, uint64_t bytes_max);
/* Adds what the time since the last call allows; returns the bytes that may be sent now. */
uint64_t http_rate_refill(struct http_rate *rate);
/* How many of size bytes may be sent now; 0 = none at the moment. They count as sent. */
size_t http_rate_take(struct http_rate *rate, size_t size);
/* Gives back bytes that were taken and not sent. */
void http_rate_return(struct http_rate *rate, size_t size);

#endif
