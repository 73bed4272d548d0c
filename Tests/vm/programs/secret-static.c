/* The same program without a loader: what an attacker puts in the place of an allowed one. */
#include "secret-tool.c"
