/*
 * The parser alone, for a fuzzer: everything of frames.c and fields.c that looks at bytes from
 * outside, with the rest of warden replaced by nothing.
 *
 * Standard input holds cases, each a little-endian u32 length and that many bytes; a case is a
 * stream of frames. Exit 0: all were parsed or turned away. A sanitizer's report: a bug.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "warden.h"

#define CASE_MAX (1u << 20)

static jmp_buf turned_away;
static struct command command;
static unsigned long parsed, refused;

_Noreturn void bad_frame(uint32_t request, const char *format, ...)
{
    (void)request;
    (void)format;
    longjmp(turned_away, 1);
}

_Noreturn void die(const char *format, ...)
{
    fprintf(stderr, "died: %s\n", format);
    abort();
}

_Noreturn void leave(void)
{
    exit(0);
}

static void parse_one(const struct frame *frame)
{
    struct put put;
    struct get get;

    switch (frame->type) {
    case FRAME_HELLO:
        parse_hello(frame);
        break;
    case FRAME_PUT:
        parse_put(frame, &put);
        if (!path_is_plain(put.path))
            abort();
        break;
    case FRAME_RUN:
        parse_command(frame, &command);
        if (command.argv[command.argc] != NULL || command.envp[command.envc] != NULL)
            abort();
        for (unsigned i = 0; i < command.argc; i++) /* every string ends inside the payload */
            if (command.argv[i] + strlen(command.argv[i]) >= command.payload + frame->length)
                abort();
        break;
    case FRAME_GET:
        parse_get(frame, &get);
        break;
    default:
        parse_nothing(frame);
    }
    parsed++;
}

static void run_case(const unsigned char *bytes, size_t count)
{
    struct frame frame;

    if (setjmp(turned_away) != 0) {
        refused++;
        return;
    }
    for (size_t at = 0; frame_parse(bytes + at, count - at, &frame);
         at += FRAME_HEADER + frame.length)
        parse_one(&frame);
}

int main(void)
{
    unsigned char size[4];

    while (fread(size, 1, sizeof size, stdin) == sizeof size) {
        size_t count = (size_t)size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16
                       | (size_t)size[3] << 24;
        if (count > CASE_MAX)
            return EXIT_FAILURE;
        /* A block of exactly this size: reading past its end is seen. */
        unsigned char *bytes = malloc(count + (count == 0));
        if (bytes == NULL || fread(bytes, 1, count, stdin) != count)
            return EXIT_FAILURE;
        run_case(bytes, count);
        free(bytes);
    }
    printf("parsed %lu refused %lu\n", parsed, refused);
    return EXIT_SUCCESS;
}
