/* SPDX-License-Identifier: Apache-2.0 */
/* URLs that a registry may send, and how they must be treated as a realm and as a Location. The
 * registry is https://registry.example, reached on a public address. */
#ifndef SUPPORT_BAD_URLS_H
#define SUPPORT_BAD_URLS_H

enum url_fate {
    URL_TRUSTED,   /* secrets may go there */
    URL_ANONYMOUS, /* requests may go there, without a secret */
    URL_REFUSED,   /* no request may go there */
    URL_RESTORED   /* the same; the registry's own https URL is used in its place */
};

struct bad_url {
    const char *url;
    enum url_fate realm;
    enum url_fate location;
};

static const struct bad_url BAD_URLS[] = {
    /* the registry itself, in all its spellings */
    { "https://registry.example/x", URL_TRUSTED, URL_TRUSTED },
    { "https://registry.example:443/x", URL_TRUSTED, URL_TRUSTED },
    { "https://REGISTRY.Example/x", URL_TRUSTED, URL_TRUSTED },
    { "HTTPS://registry.example./x", URL_TRUSTED, URL_TRUSTED },
    /* its host on another port: accepted as its token server, but not as its storage */
    { "https://registry.example:8443/x", URL_TRUSTED, URL_ANONYMOUS },
    { "https://registry.example:1/x", URL_TRUSTED, URL_ANONYMOUS },
    /* other hosts, also those with a similar name */
    { "https://evil.example/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://auth.registry.example/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://registry.example.evil.test/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://evilregistry.example/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://xn--rgistry-cya.example/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://auth.docker.io/token", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://gitlab.com/jwt/auth", URL_ANONYMOUS, URL_ANONYMOUS },
    /* https is never replaced by http; a Location on the registry's own host gets its https back */
    { "http://registry.example/x", URL_REFUSED, URL_RESTORED },
    { "http://registry.example:80/x", URL_REFUSED, URL_RESTORED },
    { "http://REGISTRY.example.:443/x", URL_REFUSED, URL_RESTORED },
    { "http://registry.example:8080/x", URL_REFUSED, URL_REFUSED },
    { "http://auth.registry.example/x", URL_REFUSED, URL_REFUSED },
    { "http://evil.example/x", URL_REFUSED, URL_REFUSED },
    /* user names, other schemes, malformed URLs */
    { "https://registry.example@evil.example/x", URL_REFUSED, URL_REFUSED },
    { "https://user:word@registry.example/x", URL_REFUSED, URL_REFUSED },
    { "https://evil.example\\@registry.example/x", URL_REFUSED, URL_REFUSED },
    { "https://registry.example%40evil.example/x", URL_REFUSED, URL_REFUSED },
    { "https://registry.example:443:80/x", URL_REFUSED, URL_REFUSED },
    { "https://registry.example:/x", URL_REFUSED, URL_REFUSED },
    { "https://registry.example:0/x", URL_REFUSED, URL_REFUSED },
    { "https://registry.example:65536/x", URL_REFUSED, URL_REFUSED },
    { "https://registry..example/x", URL_REFUSED, URL_REFUSED },
    { "https://.registry.example/x", URL_REFUSED, URL_REFUSED },
    { "https:///x", URL_REFUSED, URL_REFUSED },
    { "https://", URL_REFUSED, URL_REFUSED },
    { "https:registry.example/x", URL_REFUSED, URL_REFUSED },
    { "file:///etc/passwd", URL_REFUSED, URL_REFUSED },
    { "ftp://evil.example/x", URL_REFUSED, URL_REFUSED },
    { "gopher://evil.example/x", URL_REFUSED, URL_REFUSED },
    { "javascript:alert(1)", URL_REFUSED, URL_REFUSED },
    { "https://evil.example/a b", URL_REFUSED, URL_REFUSED },
    { "https://evil.example/a\rb", URL_REFUSED, URL_REFUSED },
    { "https://evil.example/a\nAuthorization: x", URL_REFUSED, URL_REFUSED },
    { "https://ev\xc3\xadl.example/x", URL_REFUSED, URL_REFUSED },
    /* private, local and malformed addresses */
    { "https://169.254.169.254/latest/meta-data", URL_REFUSED, URL_REFUSED },
    { "https://[fd00:ec2::254]/x", URL_REFUSED, URL_REFUSED },
    { "https://0.0.0.0/x", URL_REFUSED, URL_REFUSED },
    { "https://[::]/x", URL_REFUSED, URL_REFUSED },
    { "https://127.0.0.1/x", URL_REFUSED, URL_REFUSED },
    { "https://127.0.0.1:5001/x", URL_REFUSED, URL_REFUSED },
    { "https://[::1]/x", URL_REFUSED, URL_REFUSED },
    { "https://10.1.2.3/x", URL_REFUSED, URL_REFUSED },
    { "https://192.168.0.1/x", URL_REFUSED, URL_REFUSED },
    { "https://172.31.255.255/x", URL_REFUSED, URL_REFUSED },
    { "https://100.64.0.1/x", URL_REFUSED, URL_REFUSED },
    { "https://224.0.0.1/x", URL_REFUSED, URL_REFUSED },
    { "https://255.255.255.255/x", URL_REFUSED, URL_REFUSED },
    { "https://[fe80::1]/x", URL_REFUSED, URL_REFUSED },
    { "https://[fe80::1%25eth0]/x", URL_REFUSED, URL_REFUSED },
    { "https://[::ffff:127.0.0.1]/x", URL_REFUSED, URL_REFUSED },
    { "https://[::ffff:7f00:1]/x", URL_REFUSED, URL_REFUSED },
    { "https://[::127.0.0.1]/x", URL_REFUSED, URL_REFUSED },
    { "https://[64:ff9b::a00:1]/x", URL_REFUSED, URL_REFUSED },
    { "https://[2002:7f00:1::]/x", URL_REFUSED, URL_REFUSED },
    { "https://2130706433/x", URL_REFUSED, URL_REFUSED },
    { "https://017700000001/x", URL_REFUSED, URL_REFUSED },
    { "https://0x7f000001/x", URL_REFUSED, URL_REFUSED },
    { "https://0x7f.1/x", URL_REFUSED, URL_REFUSED },
    { "https://127.1/x", URL_REFUSED, URL_REFUSED },
    { "https://127.0.0.1./x", URL_REFUSED, URL_REFUSED },
    { "https://0177.0.0.1/x", URL_REFUSED, URL_REFUSED },
    { "https://[::1/x", URL_REFUSED, URL_REFUSED },
    { "https://::1/x", URL_REFUSED, URL_REFUSED },
    { "https://[::1]evil.example/x", URL_REFUSED, URL_REFUSED },
    /* a public address is treated like a host name */
    { "https://93.184.216.34/x", URL_ANONYMOUS, URL_ANONYMOUS },
    { "https://[2606:4700::1111]/x", URL_ANONYMOUS, URL_ANONYMOUS },
};

#endif
