/* SPDX-License-Identifier: Apache-2.0 */
/* layerpipe completion: prints scripts for bash, zsh and fish, made from the option tables. */
#include <string.h>

#include "completion.h"
#include "print.h"

static int run(struct settings *settings)
{
    static const struct {
        const char *shell;
        void (*put)(const struct command *const *commands, FILE *out);
    } shells[] = { { "bash", completion_put_bash },
                   { "zsh", completion_put_zsh },
                   { "fish", completion_put_fish } };
    const char *shell = settings_argument(settings, 0);
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
        struct text_out text;
        if (strcmp(shells[i].shell, shell) == 0) {
            FILE *out = text_open(&text);
            if (out != NULL) {
                shells[i].put(settings->commands, out);
            }
            return print_text(&text, NULL);
        }
    }
    return usage_error(settings->command_name,
                       "no completion for \"%s\"; the shell must be bash, zsh or fish", shell);
}

const struct command command_completion = {
    .name = "completion",
    .synopsis = "SHELL",
    .summary = "Print a completion script for bash, zsh or fish",
    .examples = "  source <(layerpipe completion bash)\n"
                "  layerpipe completion fish > ~/.config/fish/completions/layerpipe.fish\n",
    .groups = (const struct option_group *const[]){ &group_general, NULL },
    .args_min = 1,
    .args_max = 1,
    .argument_words = "bash zsh fish",
    .run = run,
};
