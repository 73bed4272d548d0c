/* terminal COMMAND ...: runs it with a controlling terminal of its own, shows what it says, and ends with its status. */
#include "attack.h"
#include <sys/ioctl.h>
#include <sys/wait.h>

int main(int count, char **arguments)
{
	char bytes[4096], name[64];
	int number, unlock = 0, status;
	if (count < 2) return 254;
	int terminal = (int)must("open /dev/ptmx", open("/dev/ptmx", O_RDWR | O_NOCTTY));
	must("unlock", ioctl(terminal, TIOCSPTLCK, &unlock));
	must("number", ioctl(terminal, TIOCGPTN, &number));
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	pid_t child = (pid_t)must("fork", fork());
	if (child == 0) {
		must("setsid", setsid());
		int own = (int)must("open the terminal", open(name, O_RDWR));
		must("have the terminal", ioctl(own, TIOCSCTTY, 0));
		for (int descriptor = 0; descriptor < 3; descriptor++) dup2(own, descriptor);
		close(terminal);
		execvp(arguments[1], arguments + 1);
		refused("exec");
	}
	/* EIO: nobody has the other end open any more. */
	for (ssize_t length; (length = read(terminal, bytes, sizeof bytes)) > 0;)
		if (write(1, bytes, (size_t)length) < 0) return 1;
	must("wait", waitpid(child, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
