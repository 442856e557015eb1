/* What libc would ask WASI for, answered without WASI.
 *
 * The component imports our own world and nothing else, so there is no adapter to instantiate and no descriptor to hold.
 * QuickJS needs the time and its time zone; formatted printing drags in stdio, whose writes go to the stderr log. The
 * linker takes these definitions instead of the archive's. Time stands still at 0 while the snapshot is made, so that
 * the snapshot does not depend on when it was made. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

#include "clock.h"
#include "guest.h"
#include "host.h"

enum { NANOSECONDS_PER_SECOND = 1000000000, NANOSECONDS_PER_MICROSECOND = 1000 };

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone;
    uint64_t now = guest.in_run ? host_now_ns() : 0;
    time->tv_sec = (time_t)(now / NANOSECONDS_PER_SECOND);
    time->tv_usec = (suseconds_t)(now % NANOSECONDS_PER_SECOND / NANOSECONDS_PER_MICROSECOND);
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    uint64_t now = 0;
    if (guest.in_run)
        now = clock == CLOCK_REALTIME ? host_now_ns() : clock_monotonic_ns();
    time->tv_sec = (time_t)(now / NANOSECONDS_PER_SECOND);
    time->tv_nsec = (long)(now % NANOSECONDS_PER_SECOND);
    return 0;
}

/* A function lives in UTC. QuickJS reads only the offset, which is zero. */
struct tm *localtime_r(const time_t *restrict time, struct tm *restrict result)
{
    (void)time;
    memset(result, 0, sizeof(*result));
    return result;
}

void abort(void) { __builtin_trap(); }

__wasi_errno_t __wasi_fd_write(__wasi_fd_t fd, const __wasi_ciovec_t *parts, size_t count, __wasi_size_t *written)
{
    (void)fd;
    *written = 0;
    for (size_t i = 0; i < count; i++) {
        if (guest.in_run)
            host_write_log(HOST_STDERR, (const char *)parts[i].buf, parts[i].buf_len);
        *written += parts[i].buf_len;
    }
    return __WASI_ERRNO_SUCCESS;
}

int close(int fd)
{
    (void)fd;
    errno = ENOSYS;
    return -1;
}

__wasi_errno_t __wasi_fd_seek(__wasi_fd_t fd, __wasi_filedelta_t offset, __wasi_whence_t whence, __wasi_filesize_t *at)
{
    (void)fd, (void)offset, (void)whence, (void)at;
    return __WASI_ERRNO_NOSYS;
}

__wasi_errno_t __wasi_fd_fdstat_get(__wasi_fd_t fd, __wasi_fdstat_t *stat)
{
    (void)fd, (void)stat;
    return __WASI_ERRNO_NOSYS;
}
