// The same for ARM64 as ../x86_64/launcher.s, which has the comments. Registers: x19 parameters, sp the initial
// stack, x20 the address of the program, x21 the current library, x22 what of it is left to copy,
// x23 its descriptor.

.set SYS_getcwd, 17
.set SYS_faccessat, 48
.set SYS_write, 64
.set SYS_readlinkat, 78
.set SYS_exit_group, 94
.set SYS_memfd_create, 279
.set MFD_CLOEXEC, 1
.set STDERR, 2
.set ENOENT, 2
.set PATH_MAX, 4096
.set AT_PHDR, 3
.set AT_PHNUM, 5
.set AT_BASE, 7
.set AT_ENTRY, 9

        adr     x19, parameters
        ldr     x20, [x19]                      // parameters: their own address
        sub     x20, x19, x20

        mov     x8, SYS_faccessat
        mov     x0, -1                          // the path is absolute
        adr     x1, descriptors
        mov     x2, 0                           // F_OK
        svc     0
        adr     x1, no_proc
        mov     x2, no_proc_length
        tbnz    x0, 63, fail

        mov     x8, SYS_getcwd
        sub     x0, sp, PATH_MAX                // the path itself does not matter
        mov     x1, PATH_MAX
        svc     0
        cmn     x0, ENOENT
        adr     x1, no_directory
        mov     x2, no_directory_length
        beq     fail

        mov     x8, SYS_readlinkat
        mov     x0, -1                          // the path is absolute
        adr     x1, executable
        sub     x2, sp, 2 * PATH_MAX
        mov     x3, PATH_MAX
        svc     0
        add     x3, sp, 8                       // the arguments
        tbnz    x0, 63, next_text
        sub     x1, sp, 2 * PATH_MAX
        strb    wzr, [x1, x0]
character:                                      // of UTF-8, as far as that is a matter of bits
        ldrb    w0, [x1], 1
        cbz     w0, next_text
        tbz     w0, 7, character
        mov     x2, 1                           // how many bytes follow
        cmp     w0, 0xc2
        blo     fail_text
        cmp     w0, 0xe0
        blo     following
        add     x2, x2, 1
        cmp     w0, 0xf0
        blo     following
        add     x2, x2, 1
        cmp     w0, 0xf5
        bhs     fail_text
following:
        ldrb    w0, [x1], 1
        and     w0, w0, 0xc0
        cmp     w0, 0x80
        bne     fail_text
        subs    x2, x2, 1
        bne     following
        b       character
next_text:
        ldr     x1, [x3], 8
        cbnz    x1, character

        add     x21, x19, 48
next_library:
        ldr     x22, [x21, 8]                   // library: its length, 0 after the last
        cbz     x22, start_loader
        mov     x8, SYS_memfd_create
        adr     x0, file_name
        mov     x1, MFD_CLOEXEC
        svc     0
        tbnz    x0, 63, fail_memory
        mov     x23, x0

        ldr     x1, [x21]                       // library: its address
        add     x1, x1, x20
copy:
        mov     x8, SYS_write
        mov     x0, x23
        mov     x2, x22
        svc     0
        cmp     x0, 0
        ble     fail_memory
        add     x1, x1, x0
        subs    x22, x22, x0
        bne     copy

        ldr     x1, [x21, 16]                   // library: the address of the end of its path
        add     x1, x1, x20
        mov     x2, 10
digit:
        udiv    x3, x23, x2
        msub    x4, x3, x2, x23
        add     x4, x4, '0'
        strb    w4, [x1, -1]!
        mov     x23, x3
        cbnz    x23, digit
        add     x21, x21, 24
        b       next_library

start_loader:
        ldr     x0, [sp]                        // the stack: argc, argv, 0, the environment, 0,
        add     x1, sp, x0, lsl 3               // then pairs of tag and value
        add     x1, x1, 16
environment:
        ldr     x0, [x1], 8
        cbnz    x0, environment
auxiliary:
        ldr     x0, [x1]
        ldp     x2, x3, [x19, 8]                // parameters: the program headers, how many
        add     x2, x2, x20
        cmp     x0, AT_PHDR
        beq     set
        mov     x2, x3
        cmp     x0, AT_PHNUM
        beq     set
        ldp     x2, x3, [x19, 24]               // parameters: the program's entry, the loader
        add     x2, x2, x20
        cmp     x0, AT_ENTRY
        beq     set
        add     x2, x3, x20
        cmp     x0, AT_BASE
        bne     next_auxiliary
set:
        str     x2, [x1, 8]
next_auxiliary:
        add     x1, x1, 16
        cbnz    x0, auxiliary

        ldr     x1, [x19, 40]                   // parameters: the loader's entry
        add     x1, x1, x20
        br      x1

fail_text:
        adr     x1, no_text
        mov     x2, no_text_length
        b       fail
fail_memory:
        adr     x1, no_memory
        mov     x2, no_memory_length
fail:
        mov     x8, SYS_write
        mov     x0, STDERR
        svc     0
        mov     x8, SYS_exit_group
        mov     x0, 1
        svc     0

        .include "texts.s"

        .balign 8
parameters:
