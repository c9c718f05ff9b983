/* SPDX-License-Identifier: Apache-2.0 */
/* Every maximum of the project, in one place. Bytes unless the name says otherwise. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

/* Documents and answers of the remote side. */
#define MANIFEST_BYTES_MAX (4 * MIB)
#define CONFIG_BYTES_MAX (4 * MIB)
#define INSPECT_BYTES_MAX (64 * MIB) /* text made of a manifest and a config */
#define TOKEN_BODY_BYTES_MAX (128 * KIB)
#define ERROR_BODY_BYTES_MAX (64 * KIB)
#define HEADER_LINE_BYTES_MAX (32 * KIB)
#define HEADER_COUNT_MAX 128
#define LOCATION_BYTES_MAX (32 * KIB)
#define JSON_DEPTH_MAX 64
#define INDEX_ENTRIES_MAX 4096
#define LAYERS_MAX 1024
#define INDEX_DEPTH_MAX 3 /* indexes in indexes */
#define REDIRECTS_MAX 5
#define CHALLENGES_MAX 8
#define CHALLENGE_PARAMS_MAX 32

/* Local documents. */
#define AUTHFILE_BYTES_MAX (1 * MIB)
#define HELPER_OUTPUT_BYTES_MAX (64 * KIB)
#define LAYOUT_INDEX_BYTES_MAX (64 * MIB)
#define LAYOUT_LOCK_WAIT_MS 120000
#define LAYOUT_MERGE_ATTEMPTS 16
#define DESCRIPTOR_FILE_BYTES_MAX (64 * KIB)
#define PASSWORD_BYTES_MAX (64 * KIB)
#define AUTHORITIES_BYTES_MAX (4 * MIB)

/* References (distribution grammar). */
#define REPOSITORY_NAME_BYTES_MAX 255
#define TAG_BYTES_MAX 128

/* Tar. */
#define TAR_EXTENSION_BYTES_MAX (1 * MIB)
#define TAR_RECORD_BYTES 10240 /* what tape writers fill up: 20 blocks */
/* Of Linux: no unpacker can make more. */
#define TAR_PART_BYTES_MAX 255
#define TAR_PATH_BYTES_MAX 4095
#define TAR_XATTR_NAME_BYTES_MAX 255
#define TAR_XATTR_VALUE_BYTES_MAX (64 * KIB)

/* The pipeline. Block sizes are part of the recipes: another size is another digest. */
#define GZIP_BLOCK_BYTES (256 * KIB)
#define ZSTD_BLOCK_BYTES (256 * KIB)
#define COPY_BLOCK_BYTES (256 * KIB)
#define UNPACK_BYTES (128 * KIB)       /* of a compressed input, looked at in pieces of this */
#define UNPACK_STATE_BYTES (512 * KIB) /* beside a window: tables, and a block in and out */
#define ZSTD_INPUT_WINDOW_LOG_MAX 27   /* of a zstd input: 128 MiB, what --ultra makes */
#define PIPE_BYTES (1 * MIB)           /* asked of the system for a pipe that is read */

/* The transport's buffers, each request. */
#define HTTP_SEND_BYTES (256 * KIB)
#define HTTP_ANSWER_BYTES (16 * KIB)
#define HTTP_RECEIVE_BYTES (128 * KIB) /* where a body is streamed out */
#define HTTP_STREAM_BYTES (512 * KIB)  /* of such a body, received and not yet read */

/* Uploads. */
#define CHUNK_BYTES_DEFAULT (16 * MIB)
#define CHUNK_BYTES_MIN (1 * MIB)
#define CHUNK_BYTES_FLOOR (64 * KIB) /* a registry that announces less is sent a stream */
#define CHUNK_BYTES_MAX (95 * MIB)
#define CHUNK_BUFFERS 3
#define STREAM_RING_BYTES (1280 * KIB) /* of a stream: what waits to be sent, and what was sent */
#define STREAM_AHEAD_BYTES (512 * KIB) /* the former */
#define WINDOW_PAGE_BYTES (128 * KIB)
#define SINGLE_BYTES_MAX (8 * MIB) /* in one PUT, unless asked for */
#define CLOSE_TIMEOUT_MS 2000
#define ABANDON_GRACE_S 1 /* for a request under way to end by itself */
#define RETRY_COUNT_DEFAULT 5
#define RETRY_AFTER_MS_MAX 300000 /* the longest wait that a registry may ask for */
#define RETRY_GIVE_UP_MS 900000   /* without any progress */
#define RETRY_NOTICE_MS 5000      /* longer waits are told to the user */
#define SETTLE_MS_MAX 30000       /* for a registry to know what it was just given */
#define SESSIONS_MAX 3
#define BLOB_PASSES_MAX 3    /* readings of an input that can be read again */
#define REFERRERS_ATTEMPTS 5 /* to enter a list that others write too */
#define JOBS_DEFAULT 4
#define JOBS_MAX 64
#define THREADS_MAX 256

#endif
