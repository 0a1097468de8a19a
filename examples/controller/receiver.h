/*
 * Receives images from `sim2real flash IMAGE --to serial://PORT`, into two slots of a controller's flash memory.
 *
 * C99, no heap, no library. The program gives it bytes from the serial line, and sends back what it answers. Storage is
 * three functions that the program has anyway: read, write to erased bytes, erase a slot.
 *
 * Killed or without power at any instant, the active image is the old or the new one, whole. An upload goes on where it
 * ended. docs/howto/microcontroller.md shows it at work; docs/reference/json.md has the frames.
 */
#ifndef S2R_RECEIVER_H
#define S2R_RECEIVER_H

#include <stdint.h>

#define S2R_BLOCK 256u /* bytes of an image in one frame */
#define S2R_PAYLOAD (4u + S2R_BLOCK)
#define S2R_FRAME (5u + S2R_PAYLOAD + 4u)
#define S2R_REPLY 128u /* bytes of the longest answer */

/* Each function returns 0, or something else if it failed. Offsets are from the begin of a slot. */
typedef struct {
    void *context;
    uint32_t slot_bytes; /* of each slot, a multiple of S2R_BLOCK */
    int (*read)(void *context, unsigned slot, uint32_t at, void *data, uint32_t count);
    /* To erased bytes (0xFF). After a power cut the same bytes may be written to the same place again; zeros are written
     * over anything. */
    int (*write)(void *context, unsigned slot, uint32_t at, const void *data, uint32_t count);
    int (*erase)(void *context, unsigned slot);
} s2r_storage;

typedef struct {
    const s2r_storage *storage;
    uint32_t used;
    uint8_t frame[S2R_FRAME];
} s2r_receiver;

void s2r_begin(s2r_receiver *receiver, const s2r_storage *storage);

/* Take one byte from the line. Returns the bytes of the answer, which are then in `reply`; 0 while there is none. */
uint32_t s2r_feed(s2r_receiver *receiver, uint8_t byte, uint8_t reply[S2R_REPLY]);

/* The slot to run, verified now, or -1 if there is none; where its image begins in the slot, and its size. */
int s2r_active(const s2r_storage *storage, uint32_t *at, uint32_t *size);

/* CRC-32 as in zlib, of more bytes; begins with 0. */
uint32_t s2r_crc(uint32_t crc, const void *data, uint32_t count);

#endif
