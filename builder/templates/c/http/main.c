// Greets whoever the path names.

#include "hks.h"

int main(void) {
    hks_json request = hks_event();
    char *name = hks_string(hks_get(hks_get(request, "pathParameters"), "name"), NULL);
    char *greeting = hks_string(hks_get(hks_get(request, "queryStringParameters"), "greeting"), NULL);
    char body[256];

    snprintf(body, sizeof body, "%s, %s!", greeting ? greeting : "Hello", name ? name : "nobody");
    return hks_respond(200, "text/plain; charset=utf-8", body);
}
