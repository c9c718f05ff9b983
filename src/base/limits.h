/* SPDX-License-Identifier: Apache-2.0 */
/* The maxima and time limits that the library has chosen. In bytes unless the name says
 * otherwise. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)

/* Documents and answers of the remote side. */
#define MANIFEST_BYTES_MAX (4 * MIB)
#define CONFIG_BYTES_MAX (4 * MIB)
#define INSPECT_BYTES_MAX (64 * MIB) /* the text that inspect makes of a manifest and a config */
#define TOKEN_BODY_BYTES_MAX (128 * KIB)
#define ERROR_BODY_BYTES_MAX (64 * KIB)
#define ANSWER_TEXT_BYTES_MAX 320 /* of a refusal's text that a message shows */
#define HEADER_LINE_BYTES_MAX (32 * KIB)
#define HEADER_COUNT_MAX 128
#define LOCATION_BYTES_MAX (32 * KIB)
#define CONNECT_TIMEOUT_MS 30000u
#define STALL_TIMEOUT_MS 60000u        /* no byte of a body was sent or received */
#define ANSWER_TIMEOUT_MS 60000u       /* from the end of the request to the head of its answer */
#define ANSWER_BODY_TIMEOUT_MS 300000u /* for the whole body of an answer that is not streamed */
#define JSON_DEPTH_MAX 64
#define JSON_VALUES_MAX 200000 /* commas and opening brackets: each value takes memory */
#define INDEX_ENTRIES_MAX 4096
#define LAYERS_MAX 1024
#define INDEX_DEPTH_MAX 3       /* indexes in indexes */
#define COPY_MANIFESTS_MAX 4097 /* of one copy: an index with all entries that it may have */
#define COPY_MANIFEST_BYTES_MAX (64 * MIB)
#define COPY_BLOBS_MAX 65536
#define REDIRECTS_MAX 5
#define CHALLENGES_MAX 8
#define CHALLENGE_PARAMS_MAX 32

/* Local documents. */
#define AUTHFILE_BYTES_MAX (1 * MIB)
#define HELPER_OUTPUT_BYTES_MAX (64 * KIB)
#define LAYOUT_INDEX_BYTES_MAX (64 * MIB)
#define LAYOUT_LOCK_WAIT_MS 120000
#define AUTHFILE_LOCK_WAIT_MS 10000
#define LAYOUT_MERGE_ATTEMPTS 16
#define DESCRIPTOR_FILE_BYTES_MAX (64 * KIB)
#define PASSWORD_BYTES_MAX (64 * KIB)
#define AUTHORITIES_BYTES_MAX (4 * MIB)

/* Image archives that are read. */
#define ARCHIVE_JSON_BYTES_MAX MANIFEST_BYTES_MAX /* of a member that is kept in memory */
#define ARCHIVE_KEPT_BYTES_MAX (24 * MIB)         /* of all these members */
#define ARCHIVE_MEMBERS_MAX 20000
#define ARCHIVE_CHUNK_BYTES (8 * MIB)               /* of uploads, beside all that is kept */
#define ARCHIVE_HEADER_BYTES_MAX (4 * KIB)          /* of a member that is written */
#define ARCHIVE_SPOOL_MEMORY_MAX ((size_t)64 * KIB) /* of a spooled blob; more goes to a file */

/* References (distribution grammar). */
#define REPOSITORY_NAME_BYTES_MAX 255
#define TAG_BYTES_MAX 128
#define LAYOUT_TAG_BYTES_MAX 512 /* can be a whole reference */

/* Tar. */
#define TAR_EXTENSION_BYTES_MAX (1 * MIB)
#define TAR_HEADERS_BYTES_MAX (4 * MIB) /* of one entry: one header of each extension type fits */
#define TAR_RECORD_BYTES 10240          /* what tape writers fill up: 20 blocks */
#define TAR_TOPS_MAX 96 /* directories near the top that are noted; and links; and whiteouts */
/* Of Linux: no unpacker can make more. */
#define TAR_PART_BYTES_MAX 255
#define TAR_PATH_BYTES_MAX 4095
#define TAR_XATTR_NAME_BYTES_MAX 255
#define TAR_XATTR_VALUE_BYTES_MAX (64 * KIB)
/* Of a directory that becomes a layer. */
#define DIRECTORY_PREFIX_BYTES_MAX 4095
#define DIRECTORY_PATTERNS_MAX 10000
#define MODE_STEPS_MAX 32 /* changes in one --chmod */

/* The pipeline. The block size of gzip is part of its recipes: with another one digests change. */
#define GZIP_BLOCK_BYTES (256 * KIB)
#define ZSTD_BLOCK_BYTES (128 * KIB)
#define PLAIN_BLOCK_BYTES (128 * KIB) /* without a codec: small enough for a processor's cache */
#define COPY_BLOCK_BYTES (256 * KIB)
#define DECOMPRESS_BYTES (128 * KIB) /* compressed input is decompressed in steps of this size */
#define DECOMPRESS_STATE_BYTES (512 * KIB) /* of a decompressor, without its window */
#define ZSTD_INPUT_WINDOW_LOG_MAX 27       /* 128 MiB, the largest that zstd --ultra makes */
#define FLOW_TRAILER_BYTES (64 * KIB)      /* a step of a trailer */
#define PIPE_BYTES (1 * MIB)               /* requested size of an input pipe */

/* Tables of contents of layers that are pulled lazily. More than this of each list goes to a spool
 * file. */
/* A table of contents that is read back, stored or as JSON: as in containers/storage. */
#define TOC_READ_BYTES_MAX (150 * MIB)
#define ZTOC_READ_BYTES_MAX (64 * MIB) /* is in memory then */
#define PREFETCH_PATHS_MAX 100000      /* files that a snapshotter shall fetch first */
#define TOC_MEMORY_MAX (4 * MIB)
#define SOCI_LAYER_BYTES_MIN (10 * MIB) /* without --soci-min-size */
#define TOC_ESTARGZ_CHUNK_BYTES (4 * MIB)
#define TOC_ENTRY_BYTES_MAX (8 * MIB) /* the JSON text of one entry, with its attributes */

/* Content that is read (cat). */
#define CONTENT_BLOCK_BYTES DECOMPRESS_BYTES /* blocks that are hashed; what decompression gives */
#define CONTENT_HOLD_BYTES (32 * KIB)        /* the end of a stream until it is verified */
#define CONTENT_TREE_BYTES_MAX (256 * MIB)   /* paths of a flattened image, links kept for later */
#define CONTENT_AFTER_END_BYTES_MAX (64 * MIB) /* after the end-of-archive mark of a layer */
/* A blob that is read alone from a registry is fetched in several ranges at a time. */
#define BLOB_RANGE_BYTES (4 * MIB)
#define BLOB_RANGES_DEFAULT 4u
#define BLOB_RANGES_MAX 16u
#define FLATTEN_OUT_BYTES_MAX (16 * MIB) /* made of a block of a layer and the headers before it */

/* The buffers of each HTTP request. */
#define HTTP_SEND_BYTES (256 * KIB)
#define HTTP_UNSENT_BYTES (256 * 1024) /* of a connection, in the kernel */
#define HTTP_ANSWER_BYTES (16 * KIB)
#define HTTP_RECEIVE_BYTES (128 * KIB) /* for a streamed body */
#define HTTP_STREAM_BYTES (512 * KIB)  /* of a streamed body: received but not read yet */

/* Uploads. */
#define COPY_CHUNK_BYTES (4 * MIB)     /* of a blob that is copied: several are, at the same time */
#define CHUNK_BYTES_DEFAULT (16 * MIB) /* other sizes by registry: upload/upload_defaults.c */
#define CHUNK_BYTES_MIN (1 * MIB)
#define CHUNK_BYTES_FLOOR (64 * KIB) /* a registry that announces less gets a streamed upload */
#define CHUNK_BYTES_MAX (95 * MIB)
#define CHUNK_BUFFERS 3
#define STREAM_RING_BYTES (1280 * KIB) /* of a stream: sent and unsent bytes that are buffered */
#define STREAM_AHEAD_BYTES (512 * KIB) /* the unsent ones of these */
#define WINDOW_PAGE_BYTES (128 * KIB)
#define SINGLE_BYTES_MAX (8 * MIB) /* of one PUT, without --upload monolithic */
/* A blob that is probably new is sent without HEAD if it is not larger. */
#define UNASKED_BYTES_MAX (64 * KIB)
#define CLOSE_TIMEOUT_MS 2000
#define CANCEL_GRACE_MS 1000              /* for the answer to a POST that opens a session */
#define ABANDON_GRACE_S 1                 /* an abandoned upload's request may end normally */
#define CHUNK_SLOW_MS 20000               /* chunks that take longer are halved */
#define CHUNK_ANSWER_MS 60000             /* for the answer to a chunk, and 1 ms for each KiB */
#define COMMIT_ANSWER_MS (15 * 60 * 1000) /* for the answer to a PUT, or to a streamed PATCH */
#define COMMIT_SLOW_MS 10000              /* a PUT that took longer may still be running */
#define IDLE_CONNECTION_MS 5000           /* then a new connection instead of the kept one */
#define RETRY_COUNT_DEFAULT 5
#define RETRY_AFTER_MS_MAX 300000   /* the longest wait that a registry may ask for */
#define RETRY_GIVE_UP_MS 900000     /* without any progress */
#define FIRST_CONTACT_RETRIES 2     /* of the first request, when no connection can be made */
#define RETRY_NOTICE_MS 700         /* the user gets a notice about longer waits */
#define RETRY_NOTICES_MAX 8u        /* hosts and causes of such notices that are remembered */
#define RETRY_NOTICE_LASTS_MS 60000 /* after the wait: one notice for all blobs with that failure */
/* All delays before a next attempt. In a list the last one repeats. RETRY: for any request, with
 * jitter. OFFSET: between GETs of a session whose offset may still change. COMMIT_POLL: between
 * HEADs of the blob after a PUT without a clear answer, --retry of them. COMMIT_SLOW_POLL: the same
 * after a slow PUT, --retry times the factor. */
#define RETRY_DELAYS_MS 250, 1000, 3000, 8000, 16000, 30000
#define OFFSET_QUERY_DELAY_MS 1000
#define OFFSET_QUERIES_MAX 60
#define COMMIT_POLL_DELAYS_MS 1000, 1000, 3000, 8000, 16000
#define COMMIT_SLOW_POLL_DELAYS_MS 1000, 2000, 5000, 10000, 20000, 30000
#define COMMIT_SLOW_POLL_FACTOR 3
#define SESSIONS_MAX 3
#define BLOB_PASSES_MAX 3   /* how often an input that can be read again is sent */
#define INDEX_ATTEMPTS 30   /* to put an index whose tag others change too */
#define INDEX_BACKOFF_MS 50 /* the longest wait after the first attempt; doubled 4 times */
#define INDEX_LOOK_MS 200   /* the shortest wait before the tag is looked at again */
#define INDEX_LOOK_MS_MAX 5000
#define DESCRIPTOR_LIST_MAX 10000
#define SOCI_REFERRERS_MAX 32    /* manifests that are fetched to find an index among them */
#define REFERRERS_PAGES_MAX 100  /* of an answer that comes in pages */
#define REFERRERS_ATTEMPTS 5     /* to add an entry to a referrers index that others change too */
#define PROGRESS_INTERVAL_MS 200 /* between the progress events of a call */
#define JOBS_DEFAULT 4
#define JOBS_MAX 64
#define THREADS_MAX 256

#endif
