/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe login tests and stores credentials of a registry; layerpipe logout removes them. */
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
        return print_failure_without_hint(&err); /* the hint would be to log in */
    }
    if (!settings->quiet) {
        print_message("logged in to %s as %s", registry, username);
    }
    return 0;
}

/* Takes user name and password from the options, and asks for the rest on the terminal. */
static int collect_credentials(struct settings *settings, char **ret_username, char **ret_password)
{
    bool given = settings->password_stdin || settings->password_fd >= 0;
    char *username = NULL;
    if (!given && !prompt_is_possible()) {
        return usage_error(settings->command_name,
                           "cannot ask for a password: stdin or stderr is no terminal; give "
                           "--username and --password-stdin");
    }
    if (settings->username != NULL) {
        username = strdup(settings->username);
        if (username == NULL) {
            print_message("out of memory");
            return EXIT_RESOURCES;
        }
    } else if (!given) {
        int code = prompt_read("Username", true, &username);
        if (code != 0) {
            return code;
        }
    }
    int code = given ? password_read(settings, ret_password)
                     : prompt_read("Password", false, ret_password);
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
    struct lpipe_error err = { 0 };
    settings->writes_authfile = true;
    /* Before the password is asked for. */
    if (lpipe_registry_check(settings_argument(settings, 0), &err) != 0) {
        return print_failure(&err);
    }
    int code = collect_credentials(settings, &username, &password);
    if (code == 0) {
        code = login(settings, settings_argument(settings, 0), username, password);
    }
    free(username);
    password_free(password);
    return code;
}

static int run_logout(struct settings *settings)
{
    AUTO_SETUP struct setup setup = { 0 };
    const char *registry = settings_argument(settings, 0);
    struct lpipe_error err = { 0 };
    settings->writes_authfile = true;
    int code = setup_begin(&setup, settings, NULL, NULL);
    if (code != 0) {
        return code;
    }
    if (lpipe_logout(setup.client, registry, &err) != 0) {
        return print_failure(&err);
    }
    if (!settings->quiet) {
        print_message("logged out of %s", registry);
    }
    return 0;
}

const struct command command_login = {
    .name = "login",
    .synopsis = "[options] REGISTRY",
    .summary = "Test the credentials of a registry and store them",
    .details = "User name and password are asked for on the terminal unless options give them.\n"
               "The credential helper that the configuration names stores them; without a helper\n"
               "they are written to the configuration file.\n",
    .groups = (const struct option_group *const[]){ &group_access, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run_login,
};

const struct command command_logout = {
    .name = "logout",
    .synopsis = "[options] REGISTRY",
    .summary = "Remove the stored credentials of a registry",
    .details = "If none are stored, nothing is changed, and the exit status is 5.\n",
    .groups = (const struct option_group *const[]){ &group_authfile, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run_logout,
};
