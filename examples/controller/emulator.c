/*
 * A controller on a workstation: the receiver, with a file as its flash memory, on standard input and output.
 *
 *     cc -std=c99 -O2 emulator.c receiver.c -o emulator
 *     socat PTY,link=controller,raw,echo=0 EXEC:"./emulator flash.bin"
 *     sim2real flash walk.weights --to serial://controller
 *
 * A second argument is the number of a write or erasure in the middle of which the power is cut.
 */
#include "receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT (256u * 1024u)
#define SECTOR 4096u

static long until_power_cut = -1;

/* Whether only a part of this operation still happens. */
static int power_cut(void)
{
    return until_power_cut > 0 && --until_power_cut == 0;
}

static int seek(FILE *file, unsigned slot, uint32_t at)
{
    return fseek(file, (long)(slot * SLOT + at), SEEK_SET);
}

static int file_read(void *context, unsigned slot, uint32_t at, void *data, uint32_t count)
{
    return seek(context, slot, at) || fread(data, 1, count, context) != count;
}

/* Flash memory: a write clears bits and sets none. */
static int file_write(void *context, unsigned slot, uint32_t at, const void *data, uint32_t count)
{
    uint8_t held[S2R_BLOCK];
    const uint8_t *bytes = data;
    int cut = power_cut();
    if (count > sizeof held || file_read(context, slot, at, held, count))
        return 1;
    for (uint32_t i = 0; i < count; i++)
        if (!cut || i < count / 2)
            held[i] &= bytes[i];
    if (seek(context, slot, at) || fwrite(held, 1, count, context) != count || fflush(context))
        return 1;
    if (cut)
        exit(9);
    return 0;
}

static int file_erase(void *context, unsigned slot)
{
    static uint8_t erased[SECTOR];
    int cut = power_cut();
    memset(erased, 0xFF, sizeof erased);
    /* From the end: whoever relies on the order finds out. */
    for (uint32_t at = SLOT; at > (cut ? SLOT / 2 : 0); at -= SECTOR)
        if (seek(context, slot, at - SECTOR) || fwrite(erased, 1, SECTOR, context) != SECTOR)
            return 1;
    if (fflush(context))
        return 1;
    if (cut)
        exit(9);
    return 0;
}

int main(int count, char **arguments)
{
    static s2r_receiver receiver;
    static uint8_t reply[S2R_REPLY];
    s2r_storage storage = {NULL, SLOT, file_read, file_write, file_erase};
    FILE *file = count > 1 ? fopen(arguments[1], "r+b") : NULL;
    int byte;
    if (count < 2)
        return 2;
    if (file == NULL) {
        file = fopen(arguments[1], "w+b");
        storage.context = file;
        if (file == NULL || file_erase(file, 0) || file_erase(file, 1))
            return 1;
    }
    storage.context = file;
    until_power_cut = count > 2 ? strtol(arguments[2], NULL, 10) : -1;
    s2r_begin(&receiver, &storage);
    while ((byte = getchar()) != EOF) {
        uint32_t bytes = s2r_feed(&receiver, (uint8_t)byte, reply);
        if (bytes > 0 && (fwrite(reply, 1, bytes, stdout) != bytes || fflush(stdout)))
            return 1;
    }
    return 0;
}
