/* The object behind process.env. */
#ifndef HKS_ENVIRONMENT_H
#define HKS_ENVIRONMENT_H

#include "quickjs.h"

/* The function's variables as an object; the prelude asks once, when a script first looks. */
JSValue environment_object(JSContext *ctx);

/* Gives the object the variables of this attempt, if it was made in the one that loaded the source. */
void environment_refresh(JSContext *ctx);

#endif
