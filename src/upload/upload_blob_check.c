/* SPDX-License-Identifier: Apache-2.0 */
/* HEAD of the blob, alone or at the same time as the POST that opens a session. */
#include "base/sync.h"
#include "request/blob_head.h"
#include "upload/upload_run.h"

/* HEAD of the blob, and its answer. */
struct blob_check {
    const struct upload *upload;
    int found; /* of blob_head() */
    uint64_t size;
    bool gave_up;
    struct lpipe_error err;
};

static void *blob_check_run(void *ctx)
{
    struct blob_check *check = ctx;
    check->found = blob_head(check->upload->repository, check->upload->digest, &check->size,
                             &check->gave_up, &check->err);
    return NULL;
}

static enum upload_event judge_check(struct upload *upload, const struct blob_check *check)
{
    enum upload_state state = upload->state;
    int found = check->found;
    if (found == 0) {
        return UPLOAD_BLOB_MISSING;
    }
    if (found < 0) {
        /* Without a token no POST is sent, either. */
        bool before_post = state == UPLOAD_CHECKING_BLOB || state == UPLOAD_CHECKING_BESIDE_OPENING;
        bool hopeless = check->gave_up && before_post;
        upload->err = check->err;
        return check->err.http_status != 0 && !hopeless ? UPLOAD_BLOB_CHECK_FAILED : UPLOAD_ERROR;
    }
    if (found == BLOB_HEAD_OTHER && state == UPLOAD_VERIFYING_BLOB) {
        return UPLOAD_BLOB_MISMATCH;
    }
    if (found != 1) { /* after a PUT, the 201 is what shows it */
        (void)fail(&upload->err, LPIPE_PROTOCOL,
                   "the answer to HEAD of the blob in %s/%s does not show that it is there",
                   upload->repository->registry, upload->repository->name);
        return UPLOAD_BLOB_CHECK_FAILED;
    }
    bool same = check->size == BLOB_SIZE_UNKNOWN || check->size == window_size(&upload->window);
    return same ? UPLOAD_BLOB_FOUND : UPLOAD_BLOB_MISMATCH;
}

enum upload_event upload_head_blob(struct upload *upload)
{
    struct blob_check check = { .upload = upload };
    (void)blob_check_run(&check);
    return judge_check(upload, &check);
}

/* The HEAD is sent by a thread of its own; without one, before the POST. When the HEAD leaves it
 * to the POST what happens next, the error is the one of the POST. */
enum upload_event upload_head_beside_open(struct upload *upload)
{
    struct blob_check check = { .upload = upload };
    pthread_t thread;
    bool beside = thread_start(&thread, "lpipe-head", blob_check_run, &check, NULL) == 0;
    if (!beside) {
        (void)blob_check_run(&check);
    }
    upload->opened = upload_open_session(upload);
    if (beside) {
        (void)pthread_join(thread, NULL);
    }
    struct lpipe_error open_error = upload->err;
    enum upload_event event = judge_check(upload, &check);
    if (event == UPLOAD_BLOB_MISSING || event == UPLOAD_BLOB_CHECK_FAILED) {
        upload->err = open_error;
    }
    return event;
}
