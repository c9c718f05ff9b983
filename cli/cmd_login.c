/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe login tests and stores credentials of a registry; layerpipe logout removes them. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "password.h"
#include "print.h"
#include "realm_file.h"
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
        return print_failure_of_login(&err);
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

/* Asks whether the token server that the entry "REGISTRY=HOST" names may get the password. */
static int ask_for_realm(const char *entry)
{
    char *answer = NULL;
    const char *equals = strchr(entry, '=');
    print_message("%.*s wants the password to be sent to its token server %s, another host",
                  (int)(equals - entry), entry, equals + 1);
    int code =
        prompt_read("Is this host run by the same people? Type yes to trust it", true, &answer);
    bool trusted = code == 0 && strcmp(answer, "yes") == 0;
    password_free(answer);
    if (code == 0 && !trusted) {
        print_message("%s is not trusted; nothing was sent", equals + 1);
        return lpipe_status_exit_code(LPIPE_AUTH_REQUIRED);
    }
    return code;
}

/* Finds the token server of the registry, if it must be named. Without --trust-realm someone is
 * asked, if that is possible, and it is added to --trust-realm. A named one is not asked about: the
 * login fails if it is another one. */
static int allow_realm(struct settings *settings, const char *registry,
                       char ret_entry[LPIPE_REALM_BYTES])
{
    AUTO_SETUP struct setup setup = { 0 };
    struct lpipe_error err = { 0 };
    struct settings without = *settings;
    bool named = settings->trust_realms.count > 0;
    *ret_entry = '\0';
    if (settings->anonymous || (!named && !prompt_is_possible())) {
        return 0;
    }
    without.trust_realms = (struct item_list){ 0 };
    int code = setup_begin(&setup, &without, NULL, NULL);
    if (code != 0) {
        return code;
    }
    if (lpipe_login_realm(setup.client, registry, ret_entry, &err) != 0) {
        return print_failure_of_login(&err);
    }
    if (*ret_entry == '\0' || named) {
        return 0;
    }
    code = ask_for_realm(ret_entry);
    if (code == 0 && !item_add(&settings->trust_realms, ITEM_OTHER, ret_entry)) {
        print_message("out of memory");
        code = EXIT_RESOURCES;
    }
    return code;
}

/* Keeps what was allowed, after the login has succeeded. That it cannot be kept is no failure. */
static int remember_realm(const struct settings *settings, const char *entry)
{
    if (*entry == '\0') {
        return 0;
    }
    char *registry = strndup(entry, strcspn(entry, "="));
    if (registry == NULL) {
        print_message("out of memory");
        return EXIT_RESOURCES;
    }
    if (realm_file_set(registry, entry) != 0) {
        print_message("the token server is not remembered: name it with --trust-realm");
    } else if (!settings->quiet) {
        print_message("the token server is remembered; layerpipe logout forgets it");
    }
    free(registry);
    return 0;
}

static int run_login(struct settings *settings)
{
    char *username = NULL, *password = NULL;
    char realm[LPIPE_REALM_BYTES];
    struct lpipe_error err = { 0 };
    settings->writes_authfile = true;
    /* Before the password is asked for. */
    if (lpipe_registry_check(settings_argument(settings, 0), &err) != 0) {
        return print_failure(&err);
    }
    int code = allow_realm(settings, settings_argument(settings, 0), realm);
    code = code == 0 ? collect_credentials(settings, &username, &password) : code;
    if (code == 0) {
        code = login(settings, settings_argument(settings, 0), username, password);
    }
    code = code == 0 ? remember_realm(settings, realm) : code;
    free(username);
    password_free(password);
    return code;
}

/* Forgets the token server that was allowed at login. */
static int forget_realm(const char *registry)
{
    const char *scheme = strstr(registry, "://");
    const char *host = scheme == NULL ? registry : scheme + 3;
    char *name = strndup(host, strcspn(host, "/"));
    int code = name == NULL ? EXIT_RESOURCES : realm_file_set(name, NULL);
    free(name);
    return code;
}

static int run_logout(struct settings *settings)
{
    AUTO_SETUP struct setup setup = { 0 };
    const char *registry = settings_argument(settings, 0);
    struct lpipe_error err = { 0 };
    settings->writes_authfile = true;
    int code = setup_begin(&setup, settings, NULL, NULL);
    code = code == 0 ? forget_realm(registry) : code;
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
    .examples = "  layerpipe login registry.example\n"
                "  pass ci | layerpipe login --username ci --password-stdin registry.example\n",
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
    .examples = "  layerpipe logout registry.example\n",
    .details = "If none are stored, nothing is changed, and the exit status is 5.\n",
    .groups = (const struct option_group *const[]){ &group_authfile, &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .run = run_logout,
};
