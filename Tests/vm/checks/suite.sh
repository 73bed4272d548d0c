# KubeArmor's own tests, as tables: see Tests/vm/lib/suite.sh.

# CHECK suite-ksp full: KubeArmor's container policies do here what its own tests ask of them
check_suite_ksp() { suite ksp; }

# CHECK suite-syscalls full: its tests of system calls, and that paths are the kernel's where a hook knows them
check_suite_syscalls() { suite syscalls; }

# CHECK suite-others full: so do its tests of cluster and host policies, container names, network, presets, and of its standalone mode
check_suite_others() { suite others; }
