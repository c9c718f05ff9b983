/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe login and logout: credentials of a registry, tested and stored, or removed. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "password.h"
#include "print.h"
#include "setup.h"

static int login(const struct settings *settings, const char *registry, const char *username,
                 const char *password)
{
    AUTO_SETUP struct setup setup = { 0 };
    struct lpipe_error err = { 0 };
    int code = setup_begin(&setup, settings, NULL, NULL);
    if (code != 0) {
        return code;
    }
    if (lpipe_login(setup.client, registry, username, password, &err) != 0) {
        return print_failure(&err);
    }
    if (!settings->quiet) {
        say("logged in to %s as %s", registry, username);
    }
    return 0;
}

/* Name and password from the options, the rest from the terminal. */
static int collect(struct settings *settings, char **ret_username, char **ret_password)
{
    bool given = settings->password_stdin || settings->password_fd >= 0;
    char *username = NULL;
    if (!given && !secret_can_ask()) {
        return usage_error(settings->verb,
                           "no terminal to ask on: give --username and --password-stdin");
    }
    if (settings->username != NULL) {
        username = strdup(settings->username);
        if (username == NULL) {
            say("out of memory");
            return EXIT_RESOURCES;
        }
    } else if (!given) {
        int code = secret_ask("Username", true, &username);
        if (code != 0) {
            return code;
        }
    }
    int code =
        given ? secret_read(settings, ret_password) : secret_ask("Password", false, ret_password);
    if (code != 0) {
        free(username);
        return code;
    }
    *ret_username = username;
    return 0;
}

static int run_login(struct settings *settings)
{
    char *username = NULL, *password = NULL;
    int code = collect(settings, &username, &password);
    if (code == 0) {
        code = login(settings, settings_argument(settings, 0), username, password);
    }
    free(username);
    secret_free(password);
    return code;
}

static int run_logout(struct settings *settings)
{
    AUTO_SETUP struct setup setup = { 0 };
    const char *registry = settings_argument(settings, 0);
    struct lpipe_error err = { 0 };
    int code = setup_begin(&setup, settings, NULL, NULL);
    if (code != 0) {
        return code;
    }
    if (lpipe_logout(setup.client, registry, &err) != 0) {
        return print_failure(&err);
    }
    if (!settings->quiet) {
        say("logged out of %s", registry);
    }
    return 0;
}

const struct command command_login = {
    .name = "login",
    .synopsis = "[options] REGISTRY",
    .summary = "test credentials and store them",
    .details = "Asks for name and password on the terminal unless they are given. They are stored\n"
               "with the credential helper that the configuration names, else in the file.\n",
    .groups = (const struct opt_group *const[]){ &group_access, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run_login,
};

const struct command command_logout = {
    .name = "logout",
    .synopsis = "[options] REGISTRY",
    .summary = "remove stored credentials",
    .groups = (const struct opt_group *const[]){ &group_authfile, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run_logout,
};
