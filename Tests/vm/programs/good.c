/* What a whitelist names: harmless, and not the same content as what an attacker puts in its place. */
#include <unistd.h>

int main(void)
{
	return write(1, "good\n", 5) < 0;
}
