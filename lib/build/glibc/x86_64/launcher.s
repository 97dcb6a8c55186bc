# The first code that runs in an executable that brings its own glibc, for x86-64. The kernel has
# mapped the file, the dynamic loader in it too. This code copies each library from there to a file
# in memory (memfd_create(2)), writes the number of its descriptor into the path by which the
# loader will open it, /proc/self/fd/N, and jumps to the loader, with the auxiliary vector
# (getauxval(3)) as it is when the kernel itself finds the loader. What Deno's runtime ends for with
# a backtrace, it says in a sentence.
#
# launcher.ts writes what is at `parameters`, as 64-bit numbers; addresses count from the first byte
# of the program in memory. Registers: rbx parameters, r12 the initial stack, r13 the address of the
# program, r14 the current library, r15 what of it is left to copy, ebp its descriptor.

.intel_syntax noprefix

.set SYS_write, 1
.set SYS_access, 21
.set SYS_getcwd, 79
.set SYS_readlink, 89
.set SYS_exit_group, 231
.set SYS_memfd_create, 319
.set MFD_CLOEXEC, 1
.set STDERR, 2
.set ENOENT, 2
.set PATH_MAX, 4096
.set AT_NULL, 0
.set AT_PHDR, 3
.set AT_PHNUM, 5
.set AT_BASE, 7
.set AT_ENTRY, 9

        mov     r12, rsp
        lea     rbx, [rip + parameters]
        mov     r13, rbx
        sub     r13, [rbx]                      # parameters: their own address

        mov     eax, SYS_access
        lea     rdi, [rip + descriptors]
        xor     esi, esi                        # F_OK
        syscall
        test    rax, rax
        lea     rsi, [rip + no_proc]
        mov     edx, OFFSET no_proc_length
        js      fail

        mov     eax, SYS_getcwd
        lea     rdi, [rsp - PATH_MAX]           # the path itself does not matter
        mov     esi, PATH_MAX
        syscall
        cmp     rax, -ENOENT
        lea     rsi, [rip + no_directory]
        mov     edx, OFFSET no_directory_length
        je      fail

        mov     eax, SYS_readlink
        lea     rdi, [rip + executable]
        lea     rsi, [rsp - 2 * PATH_MAX]
        mov     edx, PATH_MAX
        syscall
        lea     rdi, [r12 + 8]                  # the arguments
        test    rax, rax
        js      next_text
        mov     byte ptr [rsi + rax], 0
character:                                      # of UTF-8, as far as that is a matter of bits
        lodsb
        test    al, al
        jz      next_text
        jns     character
        mov     ecx, 1                          # how many bytes follow
        cmp     al, 0xc2
        jb      fail_text
        cmp     al, 0xe0
        jb      following
        inc     ecx
        cmp     al, 0xf0
        jb      following
        inc     ecx
        cmp     al, 0xf5
        jae     fail_text
following:
        lodsb
        and     al, 0xc0
        cmp     al, 0x80
        jne     fail_text
        dec     ecx
        jnz     following
        jmp     character
next_text:
        mov     rsi, [rdi]
        add     rdi, 8
        test    rsi, rsi
        jnz     character

        lea     r14, [rbx + 48]
next_library:
        mov     r15, [r14 + 8]                  # library: its length, 0 after the last
        test    r15, r15
        jz      start_loader
        mov     eax, SYS_memfd_create
        lea     rdi, [rip + file_name]
        mov     esi, MFD_CLOEXEC
        syscall
        test    rax, rax
        js      fail_memory
        mov     ebp, eax

        mov     r8, [r14]                       # library: its address
        add     r8, r13
copy:
        mov     eax, SYS_write
        mov     edi, ebp
        mov     rsi, r8
        mov     rdx, r15
        syscall
        test    rax, rax
        jle     fail_memory
        add     r8, rax
        sub     r15, rax
        jnz     copy

        mov     rdi, [r14 + 16]                 # library: the address of the end of its path
        add     rdi, r13
        mov     eax, ebp
        mov     ecx, 10
digit:
        xor     edx, edx
        div     ecx
        add     dl, '0'
        dec     rdi
        mov     [rdi], dl
        test    eax, eax
        jnz     digit
        add     r14, 24
        jmp     next_library

start_loader:
        mov     rax, [r12]                      # the stack: argc, argv, 0, the environment, 0,
        lea     rdi, [r12 + rax * 8 + 16]       # then pairs of tag and value
environment:
        add     rdi, 8
        cmp     qword ptr [rdi - 8], 0
        jne     environment
auxiliary:
        mov     rax, [rdi]
        mov     rdx, [rbx + 8]                  # parameters: the program headers
        add     rdx, r13
        cmp     eax, AT_PHDR
        je      set
        mov     rdx, [rbx + 16]                 # parameters: how many they are
        cmp     eax, AT_PHNUM
        je      set
        mov     rdx, [rbx + 24]                 # parameters: the program's entry
        add     rdx, r13
        cmp     eax, AT_ENTRY
        je      set
        mov     rdx, [rbx + 32]                 # parameters: the loader
        add     rdx, r13
        cmp     eax, AT_BASE
        jne     next_auxiliary
set:
        mov     [rdi + 8], rdx
next_auxiliary:
        add     rdi, 16
        cmp     eax, AT_NULL
        jne     auxiliary

        mov     rax, [rbx + 40]                 # parameters: the loader's entry
        add     rax, r13
        jmp     rax

fail_text:
        lea     rsi, [rip + no_text]
        mov     edx, OFFSET no_text_length
        jmp     fail
fail_memory:
        lea     rsi, [rip + no_memory]
        mov     edx, OFFSET no_memory_length
fail:
        mov     eax, SYS_write
        mov     edi, STDERR
        syscall
        mov     eax, SYS_exit_group
        mov     edi, 1
        syscall

        .include "texts.s"

        .balign 8
parameters:
