/* readwrite -r FILE | -w FILE: show it, or add to it. Called hello it only says so. */
#include "attack.h"

int main(int count, char **arguments)
{
	const char *name = strrchr(arguments[0], '/');
	if (!strcmp(name ? name + 1 : arguments[0], "hello")) return puts("helloworld") < 0;
	if (count != 3) return 254;
	if (!strcmp(arguments[1], "-r")) return show((int)must("open", open(arguments[2], O_RDONLY)));
	int to = (int)must("open", open(arguments[2], O_WRONLY | O_APPEND));
	must("write", write(to, "more\n", 5));
	return 0;
}
