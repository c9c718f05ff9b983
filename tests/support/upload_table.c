/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the upload machine's rules as the table of docs/upload.md. */
#include <stdio.h>
#include <string.h>

#include "upload/upload_machine.h"

static void print_next(const struct upload_rule_text *rule)
{
    (void)printf("%s", rule->next);
    if (rule->cause[0] != '\0') {
        (void)printf(": %s", rule->cause);
    }
}

int main(void)
{
    struct upload_rule_text rule;
    const char *state = "";
    (void)printf("| state | event | condition | action | next state |\n|---|---|---|---|---|\n");
    for (size_t i = 0; upload_rule_at(i, &rule); i++) {
        (void)printf("| %s | %s | %s | %s%s%s | ", strcmp(state, rule.state) == 0 ? "" : rule.state,
                     rule.event, rule.condition, rule.pause, rule.pause[0] != '\0' ? ", " : "",
                     rule.act);
        print_next(&rule);
        (void)printf(" |\n");
        state = rule.state;
    }
    return 0;
}
