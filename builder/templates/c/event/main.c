// Adds up an order: {"items": [{"price": "9.90", "count": 2}]}.

#include "hks.h"

static int64_t cents(hks_json price) {
    char *text = hks_string(price, NULL), end;
    int whole, part;

    if (!text || sscanf(text, "%6d.%2d%c", &whole, &part, &end) != 2 || whole < 0 || part < 0) {
        hks_fail("InvalidPrice", "%s is no price", text ? text : "null");
    }
    free(text);
    return whole * 100 + part;
}

int main(void) {
    hks_json items = hks_get(hks_event(), "items"), item = {0};
    hks_text receipt = {0};
    int64_t total = 0, count = 0;
    char text[32];

    while (hks_next(items, NULL, &item)) {
        total += cents(hks_get(item, "price")) * hks_integer(hks_get(item, "count"), 0);
        count++;
    }
    snprintf(text, sizeof text, "%lld.%02lld", (long long)(total / 100), (long long)(total % 100));
    hks_put(&receipt, "{\"total\":");
    hks_put_string(&receipt, text);
    hks_put(&receipt, ",\"items\":");
    hks_put_integer(&receipt, count);
    hks_put(&receipt, "}");
    return hks_return(&receipt);
}
