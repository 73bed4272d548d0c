/*
 * A program that needs a library of its own, which the loader opens as programs do; libc.so is the loader itself, which the kernel has opened
 * for the exec. Built twice: with LIBRARY as liblinked.so, and as the program.
 */
#include <unistd.h>

int said(void);

#ifdef LIBRARY
int said(void) { return write(1, "linked\n", 7) < 0; }
#else
int main(void) { return said(); }
#endif
