/* What a process rule names: says that it ran. Built twice: dynamic as secret-tool, for the loader's attacks, and static as secret-static. */
#include <unistd.h>

int main(void)
{
	return write(1, "SECRET-RAN\n", 11) < 0;
}
