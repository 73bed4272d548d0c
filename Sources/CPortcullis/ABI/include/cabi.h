/* The kernel/user ABI, for Swift: bpf/abi.h and nothing else. */
#include "../../../../bpf/abi.h"
