/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <layerpipe.h>

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

#define AT(member) .offset = offsetof(struct settings, member)
#define FLAG(member) .kind = OPT_FLAG, AT(member)
#define TEXT(member, shown) .kind = OPT_TEXT, AT(member), .value = (shown)
#define CHOICE(member, shown, first)                                                               \
    .kind = OPT_CHOICE, AT(member), .value = (shown), .tag = (first)
#define NUMBER(member, low, high)                                                                  \
    .kind = OPT_NUMBER, AT(member), .value = "N", .min = (low), .max = (high)
#define BYTES(member, shown, low)                                                                  \
    .kind = OPT_BYTES, AT(member), .value = (shown), .min = (low), .max = INT64_MAX
#define ITEM(member, shown, its_tag)                                                               \
    .kind = OPT_ITEM, AT(member), .value = (shown), .tag = (its_tag)
#define EDIT(which, shown) ITEM(edits, shown, LPIPE_EDIT_##which)
#define FILES .complete = OPT_COMPLETE_FILE
#define DIRECTORIES .complete = OPT_COMPLETE_DIRECTORY

const struct opt_group group_general = {
    "General",
    (const struct opt[]){
        { "help", 'h', FLAG(help), .help = "show this help" },
        { "quiet", 'q', FLAG(quiet), .help = "no progress and no notices on stderr" },
        { "verbose", 'v', .kind = OPT_RAISE, AT(verbosity),
          .help = "one line per request; twice: headers too, secrets masked" },
        { "progress", 0, CHOICE(progress, "auto|tty|plain|none", 0),
          .help = "how progress is shown on stderr" },
        { 0 } },
};

const struct opt_group group_json = {
    "Result",
    (const struct opt[]){ { "json", 0, FLAG(json), .help = "print one JSON object" }, { 0 } },
};

const struct opt_group group_result = {
    "Result",
    (const struct opt[]){
        { "json", 0, FLAG(json), .help = "print one JSON object in place of the reference" },
        { "digest-file", 0, TEXT(digest_file, "FILE"), FILES,
          .help = "write the digest there, whole and only after success" },
        { 0 } },
};

const struct opt_group group_layer = {
    "Layers",
    (const struct opt[]){
        { "compress", 0, TEXT(compress, "gzip[:LEVEL]|zstd[:LEVEL]|none"),
          .help = "codec of the blob (default gzip:1); gzip -2..12, zstd 1..19" },
        { "threads", 0, NUMBER(threads, 0, 256),
          .help = "compression threads (default: all processors; 0: none, all inline)" },
        { "memory", 0, BYTES(memory_bytes_max, "SIZE", 1),
          .help = "limit of each layer's buffers" },
        { "media-type", 0, TEXT(media_type, "TYPE"),
          .help = "media type of the layer; must agree with its bytes" },
        { "format", 0, CHOICE(format, "oci|docker", LPIPE_FORMAT_OCI),
          .help = "family of media types (default: the base's, else oci)" },
        { "raw", 0, FLAG(raw), .help = "the input is no tar: do not check or recognise it" },
        { "allow-truncated", 0, FLAG(allow_truncated),
          .help = "accept a tar without its end-of-archive mark" },
        { "allow-empty", 0, FLAG(allow_empty), .help = "accept an input of no bytes" },
        { 0 } },
};

const struct opt_group group_platform = {
    "Choice",
    (const struct opt[]){ { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
                            .help = "show this image of an index" },
                          { 0 } },
};

const struct opt_group group_image = {
    "Image",
    (const struct opt[]){
        { "base", 0, TEXT(base, "REF|oci:DIR:TAG"), .help = "image to put the layers on" },
        { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
          .help = "image of an index base; platform of an image without base" },
        { "env", 0, EDIT(ENV, "K=V"), .help = "set an environment variable (repeatable)" },
        { "entrypoint", 0, EDIT(ENTRYPOINT, "JSON|WORDS"),
          .help = "set the entry point; drops the base's command" },
        { "cmd", 0, EDIT(CMD, "JSON|WORDS"), .help = "set the default command" },
        { "user", 0, EDIT(USER, "USER[:GROUP]"), .help = "set the user" },
        { "workdir", 0, EDIT(WORKDIR, "DIR"), .help = "set the working directory" },
        { "label", 0, EDIT(LABEL, "K=V"), .help = "set a label (repeatable)" },
        { "port", 0, EDIT(PORT, "PORT[/PROTOCOL]"), .help = "declare a port (repeatable)" },
        { "volume", 0, EDIT(VOLUME, "DIR"), .help = "declare a volume (repeatable)" },
        { "stop-signal", 0, EDIT(STOP_SIGNAL, "SIGNAL"), .help = "set the stop signal" },
        { "author", 0, EDIT(AUTHOR, "TEXT"), .help = "set the author" },
        { "created", 0, TEXT(created, "RFC3339|EPOCH"),
          .help = "time of the image (default: SOURCE_DATE_EPOCH, else now)" },
        { "history", 0, ITEM(histories, "TEXT", ITEM_OTHER),
          .help = "history of a layer; the n-th belongs to the n-th layer, one alone to all" },
        { "annotation", 0, EDIT(ANNOTATION, "K=V"),
          .help = "set an annotation of the manifest (repeatable)" },
        { "tag", 0, ITEM(tags, "TAG", ITEM_OTHER), .help = "set this tag too (repeatable)" },
        { "untagged", 0, FLAG(untagged), .help = "set no tag: the digest alone names it" },
        { "artifact-type", 0, TEXT(artifact_type, "TYPE"),
          .help = "make an artifact of this type, with the empty config" },
        { "subject", 0, TEXT(subject, "REF"), .help = "the manifest that this one refers to" },
        { "mount-from", 0, TEXT(mount_from, "REPOSITORY"),
          .help = "try to mount blobs from this repository of the registry" },
        { "layer-descriptor", 0, ITEM(args, "FILE", ITEM_DESCRIPTOR), FILES,
          .help = "add a layer that is there already, as layer --json printed it (repeatable)" },
        { 0 } },
};

const struct opt_group group_upload = {
    "Upload",
    (const struct opt[]){
        { "upload", 0, CHOICE(upload, "auto|streamed|chunked|monolithic", LPIPE_UPLOAD_AUTO),
          .help = "how blobs are sent (default auto)" },
        { "chunk-size", 0, BYTES(chunk_bytes, "SIZE", MIB),
          .help = "size of the pieces of a chunked upload (default 16M, at least 1M)" },
        { "spool", 0, TEXT(spool_dir, "DIR"), DIRECTORIES,
          .help = "keep compressed bytes in an unlinked file there, to send them again" },
        { "jobs", 0, NUMBER(jobs, 1, 64),
          .help = "blobs at a time (default 4, or all streams and one more)" },
        { "limit-rate", 0, BYTES(rate_bytes_max, "RATE", 1),
          .help = "send at most so many bytes a second" },
        { 0 } },
};

const struct opt_group group_access = {
    "Registry access",
    (const struct opt[]){
        { "authfile", 0, TEXT(authfile, "FILE"), FILES,
          .help = "use this config.json or auth.json alone" },
        { "username", 0, TEXT(username, "USER"), .help = "log in under this name" },
        { "password-stdin", 0, FLAG(password_stdin), .help = "read the password from stdin" },
        { "password-fd", 0, NUMBER(password_fd, 0, INT32_MAX),
          .help = "read the password from this descriptor" },
        { "anonymous", 0, FLAG(anonymous), .help = "use no credentials" },
        { "cacert", 0, TEXT(cacert, "FILE"), FILES, .help = "trust the authorities in FILE too" },
        { "cert", 0, TEXT(cert, "FILE"), FILES, .help = "client certificate (PEM)" },
        { "key", 0, TEXT(key, "FILE"), FILES,
          .help = "key of the client certificate (default: in the same file)" },
        { "tls-verify", 0, .kind = OPT_ONOFF, AT(tls_verify),
          .help = "false: accept any certificate" },
        { "plain-http", 0, FLAG(plain_http), .help = "speak http, not https" },
        { "trust-realm", 0, ITEM(trust_realms, "HOST", ITEM_OTHER),
          .help = "token server that may get the credentials (repeatable)" },
        { "retry", 0, NUMBER(retry_count, 0, 1000),
          .help = "attempts after the first, each step (default 5)" },
        { 0 } },
};

const struct opt_group group_authfile = {
    "Registry access",
    (const struct opt[]){ { "authfile", 0, TEXT(authfile, "FILE"), FILES,
                            .help = "use this config.json or auth.json alone" },
                          { 0 } },
};

void settings_init(struct settings *settings, const char *verb)
{
    *settings = (struct settings){
        .verb = verb,
        .threads = -1,
        .retry_count = -1,
        .password_fd = -1,
        .tls_verify = true,
    };
}

void settings_done(struct settings *settings)
{
    item_list_dispose(&settings->args);
    item_list_dispose(&settings->edits);
    item_list_dispose(&settings->histories);
    item_list_dispose(&settings->tags);
    item_list_dispose(&settings->trust_realms);
}

const char *settings_argument(const struct settings *settings, size_t nth)
{
    for (size_t i = 0; i < settings->args.count; i++) {
        if (settings->args.items[i].tag == ITEM_ARGUMENT && nth-- == 0) {
            return settings->args.items[i].text;
        }
    }
    return NULL;
}
