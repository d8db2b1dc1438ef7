/*
 * The framed stream. One buffer for reading, one for writing; neither grows.
 *
 * Answers are gathered and leave in as few write()s as possible: on the way through a container
 * runtime every write costs several processes a wake-up.
 */
#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "warden.h"

#define IN_SIZE (2 * (FRAME_HEADER + FRAME_PAYLOAD_MAX))
#define OUT_SIZE (FRAME_HEADER + FRAME_PAYLOAD_MAX)
/* The longest frame built in place: a FILE header with its path, a REPORT with its message. */
#define OUT_BUILT_MAX (FRAME_HEADER + 8192u)
/* Up to here copying into the buffer is cheaper than a system call of its own. */
#define OUT_COPY_MAX 32768u

static unsigned char in[IN_SIZE];
static size_t in_start, in_end;

static unsigned char out[OUT_SIZE];
static size_t out_used, out_frame;

static uint32_t get_u32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void set_u32(unsigned char *p, uint32_t value)
{
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
    p[2] = (unsigned char)(value >> 16);
    p[3] = (unsigned char)(value >> 24);
}

bool frame_parse(const unsigned char *bytes, size_t count, struct frame *frame)
{
    if (count < FRAME_HEADER)
        return false;
    uint32_t length = get_u32(bytes);
    uint32_t request = get_u32(bytes + 8);
    unsigned type = bytes[4];

    if (length > FRAME_PAYLOAD_MAX)
        bad_frame(request, "frame of %u bytes, at most %u", length, FRAME_PAYLOAD_MAX);
    if (bytes[5] != 0 || bytes[6] != 0 || bytes[7] != 0)
        bad_frame(request, "reserved bytes are not zero");
    if (type < FRAME_HELLO || type > FRAME_ERROR)
        bad_frame(request, "unknown frame type %u", type);
    if (count < FRAME_HEADER + length)
        return false;
    frame->type = (enum frame_type)type;
    frame->request = request;
    frame->length = length;
    frame->payload = (const char *)bytes + FRAME_HEADER;
    return true;
}

/* Read what there is into the free part of the buffer; waits only when there is nothing. */
static void input_fill(void)
{
    if (in_start == in_end) {
        in_start = in_end = 0;
    } else if (in_start > 0 && IN_SIZE - in_end < FRAME_HEADER + FRAME_PAYLOAD_MAX) {
        memmove(in, in + in_start, in_end - in_start);
        in_end -= in_start;
        in_start = 0;
    }
    ssize_t got;
    do
        got = read(STDIN_FILENO, in + in_end, IN_SIZE - in_end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        die("reading requests: %s", strerror(errno));
    if (got == 0)
        leave();
    in_end += (size_t)got;
}

void frame_read(struct frame *frame)
{
    while (!frame_parse(in + in_start, in_end - in_start, frame))
        input_fill();
    in_start += FRAME_HEADER + frame->length;
}

enum input input_glance(bool readable)
{
    if (readable && in_end - in_start < FRAME_HEADER)
        input_fill();
    if (in_end - in_start < FRAME_HEADER)
        return INPUT_NOTHING;
    const unsigned char *head = in + in_start;
    if (head[4] != FRAME_CANCEL || get_u32(head) != 0)
        return INPUT_LATER;
    struct frame frame;
    frame_read(&frame);
    return INPUT_CANCEL;
}

static int write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return errno;
        bytes += done;
        count -= (size_t)done;
    }
    return 0;
}

int data_receive(uint32_t request, uint64_t size, int fd)
{
    int error = 0;

    while (size > 0) {
        struct frame frame;
        frame_read(&frame);
        if (frame.type != FRAME_DATA)
            bad_frame(request, "%llu bytes of DATA are missing", (unsigned long long)size);
        if (frame.length > size)
            bad_frame(request, "more DATA than announced");
        /* After a failure the rest is swallowed, so that the stream stays in step. */
        if (fd >= 0 && error == 0)
            error = write_all(fd, frame.payload, frame.length);
        size -= frame.length;
    }
    return error;
}

static void out_write(const unsigned char *bytes, size_t count)
{
    int error = write_all(STDOUT_FILENO, (const char *)bytes, count);
    if (error == EPIPE || error == ECONNRESET)
        leave();
    if (error != 0)
        die("writing answers: %s", strerror(error));
}

void out_flush(void)
{
    size_t count = out_used;
    out_used = 0;
    if (count > 0)
        out_write(out, count);
}

void out_begin(enum frame_type type, uint32_t request)
{
    if (OUT_SIZE - out_used < OUT_BUILT_MAX)
        out_flush();
    out_frame = out_used;
    memset(out + out_used, 0, FRAME_HEADER);
    out[out_used + 4] = (unsigned char)type;
    set_u32(out + out_used + 8, request);
    out_used += FRAME_HEADER;
}

void out_bytes(const void *bytes, size_t count)
{
    if (count > OUT_SIZE - out_used)
        die("an answer outgrows its buffer");
    memcpy(out + out_used, bytes, count);
    out_used += count;
}

void out_text(const char *key, const char *value)
{
    out_bytes(key, strlen(key));
    out_bytes("=", 1);
    out_bytes(value, strlen(value) + 1);
}

void out_number(const char *key, uint64_t value)
{
    char digits[24];
    char *p = digits + sizeof digits;
    *--p = '\0';
    do {
        *--p = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    out_text(key, p);
}

void out_end(void)
{
    set_u32(out + out_frame, (uint32_t)(out_used - out_frame - FRAME_HEADER));
}

void out_block(enum frame_type type, uint32_t request, const char *bytes, size_t count)
{
    while (count > 0) {
        size_t room = OUT_SIZE - out_used;
        if (room < count + FRAME_HEADER && room < OUT_SIZE) {
            out_flush();
            room = OUT_SIZE;
        }
        size_t part = count < room - FRAME_HEADER ? count : room - FRAME_HEADER;
        out_begin(type, request);
        out_bytes(bytes, part);
        out_end();
        bytes += part;
        count -= part;
    }
}

/* Append part of a file to the frame being built. */
static void out_copy(int fd, uint64_t offset, size_t count)
{
    while (count > 0) {
        ssize_t got = pread(fd, out + out_used, count, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) /* everything that could have shortened the file is dead */
            die("reading a file back: %s", got == 0 ? "it shrank" : strerror(errno));
        out_used += (size_t)got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
}

/* Move part of a file to the stream without copying; false when this pair of files cannot. */
static bool out_send(int fd, uint64_t offset, size_t count)
{
    off_t position = (off_t)offset;
    size_t left = count;

    while (left > 0) {
        ssize_t done = sendfile(STDOUT_FILENO, fd, &position, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && (errno == EPIPE || errno == ECONNRESET))
            leave();
        if (done < 0 && (errno == EINVAL || errno == ENOSYS) && left == count)
            return false;
        if (done <= 0)
            die("sending a file: %s", done == 0 ? "it shrank" : strerror(errno));
        left -= (size_t)done;
    }
    return true;
}

void out_file(enum frame_type type, uint32_t request, int fd, uint64_t size)
{
    uint64_t offset = 0;

    while (offset < size) {
        uint64_t left = size - offset;
        size_t part = left < FRAME_PAYLOAD_MAX ? (size_t)left : FRAME_PAYLOAD_MAX;
        bool copy = part <= OUT_COPY_MAX;
        if (OUT_SIZE - out_used < FRAME_HEADER + part)
            out_flush();
        out_begin(type, request);
        if (copy)
            out_copy(fd, offset, part);
        else
            set_u32(out + out_frame, (uint32_t)part);
        if (copy) {
            out_end();
        } else {
            out_flush();
            if (!out_send(fd, offset, part)) {
                out_copy(fd, offset, part);
                out_flush();
            }
        }
        offset += part;
    }
}
