/* What both launchers say, and the names that they use. */
file_name:
        .asciz  "glibc"
descriptors:
        .asciz  "/proc/self/fd"
executable:
        .asciz  "/proc/self/exe"
no_proc:
        .ascii  "cannot start: /proc is not mounted; try: mount -t proc proc /proc\n"
.set no_proc_length, . - no_proc
no_directory:
        .ascii  "cannot start: the working directory was deleted; change to another one\n"
.set no_directory_length, . - no_directory
no_text:
        .ascii  "cannot start: an argument or this program's path is not valid UTF-8\n"
.set no_text_length, . - no_text
no_memory:
        .ascii  "cannot start: this machine does not give out files in memory "
        .ascii  "(memfd_create); Linux 3.17 or newer has them, 4 MB must be free\n"
.set no_memory_length, . - no_memory
