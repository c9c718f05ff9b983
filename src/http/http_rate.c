/* SPDX-License-Identifier: Apache-2.0 */
#include "http/http_rate.h"

#include "base/clock.h"
#include "base/macros.h"

void http_rate_init(struct http_rate *rate, uint64_t bytes_max)
{
    *rate = (struct http_rate){ .bytes_max = bytes_max, .counted_ms = clock_ms() };
}

uint64_t http_rate_refill(struct http_rate *rate)
{
    uint64_t now = clock_ms();
    uint64_t burst = MAX_OF(rate->bytes_max / 10, (uint64_t)1);
    uint64_t elapsed = MIN_OF(now - rate->counted_ms, (uint64_t)1000);
    uint64_t earned = rate->bytes_max * elapsed / 1000;
    if (earned > 0) {
        rate->bytes = MIN_OF(rate->bytes + earned, burst);
        rate->counted_ms = now;
    }
    return rate->bytes;
}

size_t http_rate_take(struct http_rate *rate, size_t size)
{
    if (rate->bytes_max == 0) {
        return size;
    }
    size = (size_t)MIN_OF((uint64_t)size, http_rate_refill(rate));
    rate->bytes -= size;
    return size;
}

void http_rate_return(struct http_rate *rate, size_t size)
{
    rate->bytes += size;
}
