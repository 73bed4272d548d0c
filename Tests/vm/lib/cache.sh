# Where kernels are kept: outside the tree, so that a clean build or a second clone does not fetch them again.
vm_cache() {
    if [ "${PORTCULLIS_VM_CACHE:-}" ]; then echo "$PORTCULLIS_VM_CACHE"
    elif [ "$(id -u)" = 0 ]; then echo /var/cache/portcullis-vm
    else echo "${XDG_CACHE_HOME:-$HOME/.cache}/portcullis-vm"; fi
}
