"""Guests of Tests/vm as a bench part uses them: a script of Tests/bench/guest runs in one and leaves its results."""
import os
import shutil
import subprocess

from .failure import Impossible

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VM = os.path.join(os.path.dirname(BENCH), "vm")


def run_guest(context, kernel, script, prepare, arguments=(), options=(), seconds=600):
    """Runs `script OUT ARGUMENT...` as root in a guest with that kernel; the directory OUT, in which `prepare` has put what it needs."""
    got = subprocess.run([os.path.join(VM, "kernels"), kernel], capture_output=True, text=True)
    cache = subprocess.run(["bash", "-c", f". '{VM}/lib/cache.sh'; vm_cache"], capture_output=True, text=True).stdout.strip()
    image = os.path.join(cache, kernel)
    if not os.path.exists(os.path.join(image, "vmlinux")):
        raise Impossible(f"no kernel {kernel} for the guest: {got.stderr.strip() or got.stdout.strip()}")
    out = os.path.join(context.work, f"guest-{script}-{kernel}")
    # A part that is measured again finds what it left.
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "policies"))
    os.makedirs(os.path.join(out, "logs"))
    prepare(context, out)
    with open(os.path.join(out, "settings"), "w") as file:
        file.write(f"KERNEL='{kernel}'\nBIN='{context.bin}'\nPROGRAMS='{context.bin}/vm/programs'\n")
    with open(os.path.join(out, "console"), "w") as console:
        status = subprocess.run([os.path.join(VM, "boot"), *options, "-k", image, "-o", out, "-t", str(seconds), "--", "/bin/bash",
                                 os.path.join(BENCH, "guest", script), out, *arguments], stdout=console, stderr=subprocess.STDOUT).returncode
    if status:
        raise Impossible(f"the guest with {kernel} ended with {status}: " + _text(out, "failures") + _text(out, "console")[-1000:])
    return out


def _text(out, name):
    try:
        with open(os.path.join(out, name)) as file:
            return file.read()
    except FileNotFoundError:
        return ""
