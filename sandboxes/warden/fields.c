/*
 * The key=value payloads. A payload that is not exactly what PROTOCOL.md says is a bug of the
 * peer: bad_frame(), no repair.
 */
#include <string.h>

#include "warden.h"

#define STDERR_BYTES_MAX MIB
#define BYTES_MAX (UINT64_C(1) << 46)

struct field {
    const char *key;
    char *value;
};

/* Cut the next field out of [*cursor, end); false at the end. Writes a NUL over its `=`. */
static bool field_next(uint32_t request, char **cursor, char *end, struct field *field)
{
    char *start = *cursor;
    if (start == end)
        return false;
    char *stop = memchr(start, '\0', (size_t)(end - start));
    if (stop == NULL)
        bad_frame(request, "a field without its end");
    char *equals = memchr(start, '=', (size_t)(stop - start));
    if (equals == NULL)
        bad_frame(request, "a field without `=`");
    *equals = '\0';
    field->key = start;
    field->value = equals + 1;
    *cursor = stop + 1;
    return true;
}

static uint64_t to_number(uint32_t request, const struct field *field, uint64_t min, uint64_t max)
{
    uint64_t number = 0;
    const char *p = field->value;

    if (*p == '\0' || strlen(p) > 18)
        bad_frame(request, "%s: not a number", field->key);
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            bad_frame(request, "%s: not a number", field->key);
        number = number * 10 + (uint64_t)(*p - '0');
    }
    if (number < min || number > max)
        bad_frame(request, "%s: out of range", field->key);
    return number;
}

/* A number among the keys of a payload: where it goes, what it may be, what it is when absent. */
struct number_key {
    const char *key;
    size_t offset;
    uint64_t min, max, absent;
};
#define REQUIRED UINT64_MAX

static const struct number_key command_numbers[] = {
    {"cpu_ms", offsetof(struct command, cpu_ms), 1, 86400000, REQUIRED},
    {"wall_ms", offsetof(struct command, wall_ms), 1, 86400000, REQUIRED},
    {"memory_bytes", offsetof(struct command, memory_bytes), 1, BYTES_MAX, REQUIRED},
    {"output_bytes", offsetof(struct command, output_bytes), 0, BYTES_MAX, REQUIRED},
    {"stderr_bytes", offsetof(struct command, stderr_bytes), 0, STDERR_BYTES_MAX, 64 * KIB},
    {"file_bytes", offsetof(struct command, file_bytes), 0, BYTES_MAX, 64 * MIB},
    {"processes", offsetof(struct command, processes), 1, 1000000, 128},
    {"open_files", offsetof(struct command, open_files), 3, 1000000, 256},
    {"stack_bytes", offsetof(struct command, stack_bytes), 0, BYTES_MAX, 0},
    {"stdin_size", offsetof(struct command, stdin_size), 0, BYTES_MAX, 0},
    {"collect_bytes", offsetof(struct command, collect_bytes), 0, BYTES_MAX, MIB},
    {"keep", offsetof(struct command, keep), 0, 1, 0},
};
#define COMMAND_NUMBERS (sizeof command_numbers / sizeof *command_numbers)

static bool take_number(uint32_t request, const struct field *field,
                        const struct number_key *keys, size_t count, void *into, unsigned *seen)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(field->key, keys[i].key) != 0)
            continue;
        if (*seen & 1u << i)
            bad_frame(request, "%s: given twice", field->key);
        *seen |= 1u << i;
        uint64_t number = to_number(request, field, keys[i].min, keys[i].max);
        memcpy((char *)into + keys[i].offset, &number, sizeof number);
        return true;
    }
    return false;
}

static void fill_absent(uint32_t request, const struct number_key *keys, size_t count, void *into,
                        unsigned seen)
{
    for (size_t i = 0; i < count; i++) {
        if (seen & 1u << i)
            continue;
        if (keys[i].absent == REQUIRED)
            bad_frame(request, "%s: missing", keys[i].key);
        memcpy((char *)into + keys[i].offset, &keys[i].absent, sizeof keys[i].absent);
    }
}

/* Only the three areas that have an owner can be named in a request. */
static enum area_id to_area(uint32_t request, const struct field *field)
{
    static const char *const names[] = {"/prog", "/box", "/val"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(field->value, names[i]) == 0)
            return (enum area_id)i;
    bad_frame(request, "%s: no such area", field->key);
}

static enum role to_role(uint32_t request, const struct field *field)
{
    static const char *const names[ROLES] = {"compile", "run", "validate"};
    for (unsigned i = 0; i < ROLES; i++)
        if (strcmp(field->value, names[i]) == 0)
            return (enum role)i;
    bad_frame(request, "%s: no such role", field->key);
}

bool path_is_plain(const char *path)
{
    size_t length = 0;

    if (*path == '\0' || strlen(path) >= PATH_MAX)
        return false;
    for (const char *p = path, *part = path;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        length = (size_t)(p - part);
        if (length == 0 || length > NAME_MAX)
            return false;
        if (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')))
            return false;
        if (*p == '\0')
            return true;
        part = p + 1;
    }
}

/* As path_is_plain(), but one `/` at the end is welcome: it asks for a whole directory. */
static bool collect_is_plain(char *path)
{
    size_t length = strlen(path);
    if (length < 2 || path[length - 1] != '/')
        return path_is_plain(path);
    path[length - 1] = '\0';
    bool plain = path_is_plain(path);
    path[length - 1] = '/';
    return plain;
}

static void take_list(uint32_t request, const struct field *field, char **list, unsigned *count,
                      unsigned max)
{
    if (*count == max)
        bad_frame(request, "%s: more than %u", field->key, max);
    list[(*count)++] = field->value;
}

static bool take_list_key(uint32_t request, const struct field *field, struct command *command)
{
    if (strcmp(field->key, "arg") == 0) {
        take_list(request, field, command->argv, &command->argc, ARGS_MAX);
    } else if (strcmp(field->key, "env") == 0) {
        if (strchr(field->value, '=') == NULL || field->value[0] == '=')
            bad_frame(request, "env: not NAME=value");
        take_list(request, field, command->envp, &command->envc, ARGS_MAX);
    } else if (strcmp(field->key, "collect") == 0) {
        if (!collect_is_plain(field->value))
            bad_frame(request, "collect: not a plain relative path");
        take_list(request, field, command->collect, &command->collectc, COLLECT_MAX);
    } else {
        return false;
    }
    return true;
}

void parse_command(const struct frame *frame, struct command *command)
{
    uint32_t request = frame->request;
    unsigned seen = 0;
    bool role = false, cwd = false;
    struct field field;

    /* The strings must outlive the read buffer: the run looks for CANCEL while it lasts. */
    memcpy(command->payload, frame->payload, frame->length);
    command->request = request;
    command->argc = command->envc = command->collectc = 0;
    char *cursor = command->payload, *end = cursor + frame->length;
    while (field_next(request, &cursor, end, &field)) {
        if (take_list_key(request, &field, command))
            continue;
        if (take_number(request, &field, command_numbers, COMMAND_NUMBERS, command, &seen))
            continue;
        if (strcmp(field.key, "role") == 0 && !role) {
            command->role = to_role(request, &field);
            role = true;
        } else if (strcmp(field.key, "cwd") == 0 && !cwd) {
            command->cwd = to_area(request, &field);
            cwd = true;
        } else {
            bad_frame(request, "RUN: key %.64s unknown or given twice", field.key);
        }
    }
    fill_absent(request, command_numbers, COMMAND_NUMBERS, command, seen);
    if (!role || !cwd || command->argc == 0)
        bad_frame(request, "RUN: role, cwd and arg are required");
    if (command->argv[0][0] == '\0')
        bad_frame(request, "arg: the first is empty");
    command->argv[command->argc] = NULL;
    command->envp[command->envc] = NULL;
}

/* Short payloads are parsed in a copy: fields are cut in place. */
static char scratch[FRAME_PAYLOAD_MAX + 1];

void parse_put(const struct frame *frame, struct put *put)
{
    static const struct number_key numbers[] = {
        {"mode", offsetof(struct put, mode), 0, 1, REQUIRED},
        {"size", offsetof(struct put, size), 0, BYTES_MAX, REQUIRED},
    };
    uint32_t request = frame->request;
    unsigned seen = 0;
    bool area = false, path = false;
    struct field field;

    memcpy(scratch, frame->payload, frame->length);
    char *cursor = scratch, *end = cursor + frame->length;
    while (field_next(request, &cursor, end, &field)) {
        if (take_number(request, &field, numbers, 2, put, &seen))
            continue;
        if (strcmp(field.key, "area") == 0 && !area) {
            put->area = to_area(request, &field);
            area = true;
        } else if (strcmp(field.key, "path") == 0 && !path) {
            if (!path_is_plain(field.value))
                bad_frame(request, "path: not a plain relative path");
            memcpy(put->path, field.value, strlen(field.value) + 1);
            path = true;
        } else {
            bad_frame(request, "PUT: key %.64s unknown or given twice", field.key);
        }
    }
    fill_absent(request, numbers, 2, put, seen);
    if (!area || !path)
        bad_frame(request, "PUT: area and path are required");
}

void parse_get(const struct frame *frame, struct get *get)
{
    static const struct number_key numbers[] = {
        {"bytes_max", offsetof(struct get, bytes_max), 0, BYTES_MAX, REQUIRED},
    };
    uint32_t request = frame->request;
    unsigned seen = 0;
    bool area = false;
    struct field field;

    memcpy(scratch, frame->payload, frame->length);
    char *cursor = scratch, *end = cursor + frame->length;
    while (field_next(request, &cursor, end, &field)) {
        if (take_number(request, &field, numbers, 1, get, &seen))
            continue;
        if (strcmp(field.key, "area") != 0 || area)
            bad_frame(request, "GET: key %.64s unknown or given twice", field.key);
        get->area = to_area(request, &field);
        area = true;
    }
    fill_absent(request, numbers, 1, get, seen);
    if (!area)
        bad_frame(request, "GET: area is required");
}

void parse_hello(const struct frame *frame)
{
    static const char expected[] = "version=1";
    if (frame->length != sizeof expected
        || memcmp(frame->payload, expected, sizeof expected) != 0)
        bad_frame(frame->request, "HELLO: this is warden protocol version 1");
}

void parse_nothing(const struct frame *frame)
{
    if (frame->length != 0)
        bad_frame(frame->request, "frame type %d carries nothing", (int)frame->type);
}
