/* SPDX-License-Identifier: Apache-2.0 */
/* Finds libcurl's functions at run time. This file has functions of the same names, which call
 * those that were found, so callers look the same and libcurl's macros check their types. They are
 * hidden: neither a program nor another library can meet them. */
#include "http/http_curl_load.h"

#include <curl/curl.h>
#include <stdbool.h>

#include "base/sync.h"

#ifndef LPIPE_CURL_SONAME

int curl_load(struct lpipe_error *err)
{
    (void)err;
    return 0;
}

#else

#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>

/* These macros only check how callers use the functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_share_setopt

#define FOR_EACH_FUNCTION(X)                                                                       \
    X(curl_easy_cleanup)                                                                           \
    X(curl_easy_getinfo)                                                                           \
    X(curl_easy_init)                                                                              \
    X(curl_easy_pause)                                                                             \
    X(curl_easy_setopt)                                                                            \
    X(curl_easy_strerror)                                                                          \
    X(curl_global_init)                                                                            \
    X(curl_multi_add_handle)                                                                       \
    X(curl_multi_cleanup)                                                                          \
    X(curl_multi_info_read)                                                                        \
    X(curl_multi_init)                                                                             \
    X(curl_multi_perform)                                                                          \
    X(curl_multi_poll)                                                                             \
    X(curl_multi_remove_handle)                                                                    \
    X(curl_multi_wakeup)                                                                           \
    X(curl_share_cleanup)                                                                          \
    X(curl_share_init)                                                                             \
    X(curl_share_setopt)                                                                           \
    X(curl_slist_append)                                                                           \
    X(curl_slist_free_all)                                                                         \
    X(curl_version_info)

#define MEMBER(name) __typeof__(name) *(name);
static struct {
    FOR_EACH_FUNCTION(MEMBER)
} loaded;

#define ROW(name) { #name, (void *)&loaded.name },
static const struct {
    const char *name;
    void *place; /* of the pointer in loaded */
} functions[] = { FOR_EACH_FUNCTION(ROW) };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static bool is_loaded;

/* Tells tools that collect the libraries of a program about one that no other part of this file
 * names: https://uapi-group.org/specifications/specs/elf_dlopen_metadata/ */
#define NOTE_TEXT                                                                                  \
    "[{\"feature\":\"registry\",\"description\":\"Requests to container registries\","             \
    "\"priority\":\"required\",\"soname\":[\"" LPIPE_CURL_SONAME "\"]}]"
static const struct {
    Elf32_Nhdr header;
    char owner[4];
    _Alignas(4) char text[sizeof NOTE_TEXT];
} note __attribute__((used, section(".note.dlopen"), aligned(4))) = {
    .header = { .n_namesz = sizeof "FDO", .n_descsz = sizeof NOTE_TEXT, .n_type = 0x407c0c0a },
    .owner = "FDO",
    .text = NOTE_TEXT,
};

static int fail_with_reason(struct lpipe_error *err)
{
    const char *reason = dlerror();
    return fail_with_advice(err, LPIPE_NO_RESOURCES,
                            "libcurl cannot be loaded, so registries cannot be reached: %s; if it "
                            "is missing, install it (on Debian the package libcurl4)",
                            reason != NULL ? reason : "unknown reason");
}

int curl_load(struct lpipe_error *err)
{
    GUARD(&mutex);
    if (is_loaded) {
        return 0;
    }
    void *library = dlopen(LPIPE_CURL_SONAME, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return fail_with_reason(err);
    }
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        void *found = dlsym(library, functions[i].name);
        if (found == NULL) {
            int status = fail_with_reason(err);
            (void)dlclose(library);
            return status;
        }
        memcpy(functions[i].place, &found, sizeof found);
    }
    is_loaded = true;
    return 0;
}

/* The parameters have the names that libcurl's headers give them. */
CURLcode curl_global_init(long flags)
{
    return loaded.curl_global_init(flags);
}

curl_version_info_data *curl_version_info(CURLversion age)
{
    return loaded.curl_version_info(age);
}

CURL *curl_easy_init(void)
{
    return loaded.curl_easy_init();
}

/* The kind of the value is the range of the option's number. */
CURLcode curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    va_list args;
    CURLcode code = CURLE_OK;
    va_start(args, option);
    switch ((long)option / CURLOPTTYPE_OBJECTPOINT * CURLOPTTYPE_OBJECTPOINT) {
    case CURLOPTTYPE_LONG:
        code = loaded.curl_easy_setopt(curl, option, va_arg(args, long));
        break;
    case CURLOPTTYPE_OFF_T:
        code = loaded.curl_easy_setopt(curl, option, va_arg(args, curl_off_t));
        break;
    default:
        code = loaded.curl_easy_setopt(curl, option, va_arg(args, void *));
        break;
    }
    va_end(args);
    return code;
}

CURLcode curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    va_list args;
    va_start(args, info);
    CURLcode code = loaded.curl_easy_getinfo(curl, info, va_arg(args, void *));
    va_end(args);
    return code;
}

CURLcode curl_easy_pause(CURL *handle, int bitmask)
{
    return loaded.curl_easy_pause(handle, bitmask);
}

void curl_easy_cleanup(CURL *curl)
{
    loaded.curl_easy_cleanup(curl);
}

const char *curl_easy_strerror(CURLcode code)
{
    return loaded.curl_easy_strerror(code);
}

CURLM *curl_multi_init(void)
{
    return loaded.curl_multi_init();
}

CURLMcode curl_multi_add_handle(CURLM *multi_handle, CURL *curl_handle)
{
    return loaded.curl_multi_add_handle(multi_handle, curl_handle);
}

CURLMcode curl_multi_remove_handle(CURLM *multi_handle, CURL *curl_handle)
{
    return loaded.curl_multi_remove_handle(multi_handle, curl_handle);
}

CURLMcode curl_multi_perform(CURLM *multi_handle, int *running_handles)
{
    return loaded.curl_multi_perform(multi_handle, running_handles);
}

CURLMcode curl_multi_poll(CURLM *multi_handle, struct curl_waitfd extra_fds[], unsigned extra_nfds,
                          int timeout_ms, int *ret)
{
    return loaded.curl_multi_poll(multi_handle, extra_fds, extra_nfds, timeout_ms, ret);
}

CURLMcode curl_multi_wakeup(CURLM *multi_handle)
{
    return loaded.curl_multi_wakeup(multi_handle);
}

CURLMsg *curl_multi_info_read(CURLM *multi_handle, int *msgs_in_queue)
{
    return loaded.curl_multi_info_read(multi_handle, msgs_in_queue);
}

CURLMcode curl_multi_cleanup(CURLM *multi_handle)
{
    return loaded.curl_multi_cleanup(multi_handle);
}

CURLSH *curl_share_init(void)
{
    return loaded.curl_share_init();
}

/* The value of CURLSHOPT_SHARE is a number. No other option is used. */
CURLSHcode curl_share_setopt(CURLSH *share, CURLSHoption option, ...)
{
    va_list args;
    va_start(args, option);
    CURLSHcode code = loaded.curl_share_setopt(share, option, va_arg(args, int));
    va_end(args);
    return code;
}

CURLSHcode curl_share_cleanup(CURLSH *share)
{
    return loaded.curl_share_cleanup(share);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *data)
{
    return loaded.curl_slist_append(list, data);
}

void curl_slist_free_all(struct curl_slist *list)
{
    loaded.curl_slist_free_all(list);
}

#endif
