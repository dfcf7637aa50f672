// SPDX-License-Identifier: GPL-3.0-or-later
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdarg>

/// For the sanitizer of threads. Qt starts a program by clone(CLONE_VM | CLONE_VFORK): until that begins it runs on the
/// state that the sanitizer keeps of the thread which starts it, and afterwards this knows no longer what orders that
/// thread and others. fork() it does know, so here it is done by that. Takes the place of glibc's in whatever it is
/// linked to.
extern "C" int clone(int (*work)(void *), void *, int flags, void *argument, ...) noexcept
{
    va_list more;
    va_start(more, argument);
    int *const descriptor = va_arg(more, int *);
    va_end(more);
    const pid_t child = ::fork();
    if (child == 0)
        ::_exit(work(argument));
    if (child > 0 && (flags & CLONE_PIDFD) != 0)
        *descriptor = int(::syscall(SYS_pidfd_open, child, 0));
    return child;
}
