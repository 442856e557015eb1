// Sums up the numbers that the schedule hands in.

#include "hks.h"

int main(void) {
    hks_json regions = hks_get(hks_event(), "regions"), name = {0}, count = {0};
    hks_text report = {0};
    int64_t total = 0;

    while (hks_next(regions, &name, &count)) {
        hks_log("%.*s", (int)name.length, name.text);
        total += hks_integer(count, 0);
    }
    hks_put(&report, "{\"due\":");
    hks_put_json(&report, hks_get(hks_context(), "scheduled_at"));
    hks_put(&report, ",\"total\":");
    hks_put_integer(&report, total);
    hks_put(&report, "}");
    return hks_return(&report);
}
