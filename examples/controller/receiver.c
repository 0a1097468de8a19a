/*
 * A slot in memory:
 *
 *   0    magic, size, CRC-32 of the image, its SHA-256, CRC-32 of all that: written when an upload begins
 *   64   turns: a number and its complement, each written once. The whole image with the highest number is active
 *   256  a byte for each block, 0 when the block has been written
 *   ...  the image, from s2r_data_at on
 *
 * What is written last decides: a turn of eight bytes, which counts only if it is complete.
 */
#include "receiver.h"

#include <string.h>

enum { HELLO = 'H', BEGIN = 'B', DATA = 'D', COMMIT = 'C', BACK = 'R' };
enum { OK, UNKNOWN, TOO_LARGE, OUT_OF_ORDER, DAMAGED, NOTHING, STORAGE };
enum { EMPTY, PARTIAL, WHOLE };

#define VERSION 1u
#define HEAD 48u
#define TURNS_AT 64u
#define TURNS 24u
#define MARKS_AT 256u
#define NO_SLOT 0xFFu

static const uint8_t magic[4] = {'S', '2', 'R', '1'};

typedef struct {
    uint32_t size, crc, turn; /* turn 0: none yet */
    uint8_t sha256[32];
    uint8_t state;
} head;

uint32_t s2r_crc(uint32_t crc, const void *data, uint32_t count)
{
    const uint8_t *bytes = data;
    crc = ~crc;
    while (count--) {
        crc ^= *bytes++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}

static uint32_t get32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t data_at(const s2r_storage *storage)
{
    uint32_t marks = storage->slot_bytes / S2R_BLOCK;
    return MARKS_AT + (marks + S2R_BLOCK - 1) / S2R_BLOCK * S2R_BLOCK;
}

static uint32_t room(const s2r_storage *storage)
{
    return storage->slot_bytes - data_at(storage);
}

static int read_at(const s2r_storage *storage, unsigned slot, uint32_t at, void *data, uint32_t count)
{
    return storage->read(storage->context, slot, at, data, count);
}

static int write_at(const s2r_storage *storage, unsigned slot, uint32_t at, const void *data, uint32_t count)
{
    return storage->write(storage->context, slot, at, data, count);
}

static head head_of(const s2r_storage *storage, unsigned slot)
{
    head found = {0, 0, 0, {0}, EMPTY};
    uint8_t bytes[HEAD], turn[8];
    if (read_at(storage, slot, 0, bytes, HEAD) || memcmp(bytes, magic, 4) || s2r_crc(0, bytes, HEAD - 4) != get32(bytes + HEAD - 4))
        return found;
    found.size = get32(bytes + 4);
    found.crc = get32(bytes + 8);
    memcpy(found.sha256, bytes + 12, 32);
    found.state = PARTIAL;
    for (uint32_t i = 0; i < TURNS; i++) {
        if (read_at(storage, slot, TURNS_AT + 8 * i, turn, 8))
            continue;
        uint32_t number = get32(turn);
        if (number == ~get32(turn + 4) && number > found.turn) {
            found.turn = number;
            found.state = WHOLE;
        }
    }
    return found;
}

static int intact(const s2r_storage *storage, unsigned slot, const head *image)
{
    uint8_t block[S2R_BLOCK];
    uint32_t crc = 0, at = 0;
    if (image->size > room(storage))
        return 0;
    while (at < image->size) {
        uint32_t count = image->size - at < S2R_BLOCK ? image->size - at : S2R_BLOCK;
        if (read_at(storage, slot, data_at(storage) + at, block, count))
            return 0;
        crc = s2r_crc(crc, block, count);
        at += count;
    }
    return crc == image->crc;
}

int s2r_active(const s2r_storage *storage, uint32_t *at, uint32_t *size)
{
    head heads[2] = {head_of(storage, 0), head_of(storage, 1)};
    int found = -1;
    for (int slot = 0; slot < 2; slot++)
        if (heads[slot].state == WHOLE && intact(storage, (unsigned)slot, &heads[slot]))
            if (found < 0 || heads[slot].turn > heads[found].turn)
                found = slot;
    if (found >= 0) {
        *at = data_at(storage);
        *size = heads[found].size;
    }
    return found;
}

static int active_slot(const s2r_storage *storage)
{
    uint32_t at, size;
    return s2r_active(storage, &at, &size);
}

/* Write the next turn into a slot: from then on it is active. */
static int take_turn(const s2r_storage *storage, unsigned slot)
{
    static const uint8_t erased[8] = {255, 255, 255, 255, 255, 255, 255, 255};
    head ours = head_of(storage, slot), other = head_of(storage, 1 - slot);
    uint32_t number = 1 + (ours.turn > other.turn ? ours.turn : other.turn);
    uint8_t turn[8];
    for (uint32_t i = 0; i < TURNS; i++) {
        if (read_at(storage, slot, TURNS_AT + 8 * i, turn, 8) || memcmp(turn, erased, 8))
            continue;
        put32(turn, number);
        put32(turn + 4, ~number);
        return write_at(storage, slot, TURNS_AT + 8 * i, turn, 8) ? STORAGE : OK;
    }
    return NOTHING; /* it was gone back to so often: it is sent again */
}

static uint32_t received(const s2r_storage *storage, unsigned slot, const head *image)
{
    uint8_t mark;
    uint32_t blocks = (image->size + S2R_BLOCK - 1) / S2R_BLOCK, i = 0;
    while (i < blocks && !read_at(storage, slot, MARKS_AT + i, &mark, 1) && mark == 0)
        i++;
    return i == blocks ? image->size : i * S2R_BLOCK;
}

static unsigned spare_of(const s2r_storage *storage)
{
    return active_slot(storage) == 0 ? 1 : 0;
}

static int begin(const s2r_storage *storage, const uint8_t *wanted, uint32_t *have)
{
    static const uint8_t nothing[HEAD] = {0};
    unsigned slot = spare_of(storage);
    head image = head_of(storage, slot);
    uint8_t bytes[HEAD];
    memcpy(bytes, magic, 4);
    memcpy(bytes + 4, wanted, HEAD - 8);
    put32(bytes + HEAD - 4, s2r_crc(0, bytes, HEAD - 4));
    if (get32(wanted) > room(storage) || get32(wanted) == 0)
        return TOO_LARGE;
    if (image.state == PARTIAL && image.size == get32(wanted) && image.crc == get32(wanted + 4) &&
        !memcmp(image.sha256, wanted + 8, 32)) {
        *have = received(storage, slot, &image);
        return OK;
    }
    *have = 0;
    /* The head goes first: a slot that is half erased is none. */
    if (write_at(storage, slot, 0, nothing, HEAD) || storage->erase(storage->context, slot))
        return STORAGE;
    return write_at(storage, slot, 0, bytes, HEAD) ? STORAGE : OK;
}

static int data(const s2r_storage *storage, const uint8_t *payload, uint32_t length, uint32_t *have)
{
    static const uint8_t done = 0;
    unsigned slot = spare_of(storage);
    head image = head_of(storage, slot);
    if (image.state != PARTIAL || length < 5)
        return NOTHING;
    *have = received(storage, slot, &image);
    uint32_t at = get32(payload), count = length - 4, left = image.size - *have;
    if (at != *have || count != (left < S2R_BLOCK ? left : S2R_BLOCK))
        return OUT_OF_ORDER;
    if (write_at(storage, slot, data_at(storage) + at, payload + 4, count) ||
        write_at(storage, slot, MARKS_AT + at / S2R_BLOCK, &done, 1))
        return STORAGE;
    *have += count;
    return OK;
}

static int commit(const s2r_storage *storage)
{
    static const uint8_t nothing[HEAD] = {0};
    unsigned slot = spare_of(storage);
    head image = head_of(storage, slot);
    if (image.state != PARTIAL || received(storage, slot, &image) != image.size)
        return NOTHING;
    if (!intact(storage, slot, &image))
        return write_at(storage, slot, 0, nothing, HEAD) ? STORAGE : DAMAGED;
    return take_turn(storage, slot);
}

static int back(const s2r_storage *storage)
{
    int active = active_slot(storage);
    unsigned slot = active == 0 ? 1 : 0;
    head image = head_of(storage, slot);
    if (active < 0 || image.state != WHOLE || !intact(storage, slot, &image))
        return NOTHING;
    return take_turn(storage, slot);
}

/* Version, room, block, active slot; of each slot state, size and SHA-256. Returns the number of bytes. */
static uint32_t hello(const s2r_storage *storage, uint8_t *out)
{
    int active = active_slot(storage);
    out[0] = VERSION;
    put32(out + 1, room(storage));
    out[5] = S2R_BLOCK & 255u;
    out[6] = S2R_BLOCK >> 8;
    out[7] = active < 0 ? NO_SLOT : (uint8_t)active;
    for (unsigned slot = 0; slot < 2; slot++) {
        head image = head_of(storage, slot);
        uint8_t *place = out + 8 + 37 * slot;
        place[0] = image.state == WHOLE && !intact(storage, slot, &image) ? 3 : image.state;
        put32(place + 1, image.size);
        memcpy(place + 5, image.sha256, 32);
    }
    return 8 + 2 * 37;
}

static uint32_t answer(const s2r_storage *storage, const uint8_t *frame, uint32_t length, uint8_t *reply)
{
    const uint8_t *payload = frame + 5;
    uint8_t *out = reply + 6;
    uint32_t count = 0, have = 0;
    int status = UNKNOWN;
    if (frame[2] == HELLO && length == 0) {
        status = OK;
        count = hello(storage, out);
    } else if ((frame[2] == BEGIN && length == 40) || frame[2] == DATA) {
        status = frame[2] == BEGIN ? begin(storage, payload, &have) : data(storage, payload, length, &have);
        put32(out, have);
        count = 4;
    } else if (frame[2] == COMMIT && length == 0) {
        status = commit(storage);
    } else if (frame[2] == BACK && length == 0) {
        status = back(storage);
    }
    reply[0] = 'S';
    reply[1] = '2';
    reply[2] = frame[2] | 0x80;
    reply[3] = (uint8_t)(count + 1);
    reply[4] = 0;
    reply[5] = (uint8_t)status;
    put32(out + count, s2r_crc(0, reply + 2, 4 + count));
    return 10 + count;
}

void s2r_begin(s2r_receiver *receiver, const s2r_storage *storage)
{
    receiver->storage = storage;
    receiver->used = 0;
}

/* Forget the first byte: what follows may be a frame. */
static void shift(s2r_receiver *receiver)
{
    receiver->used--;
    memmove(receiver->frame, receiver->frame + 1, receiver->used);
}

uint32_t s2r_feed(s2r_receiver *receiver, uint8_t byte, uint8_t reply[S2R_REPLY])
{
    uint8_t *frame = receiver->frame;
    frame[receiver->used++] = byte;
    while (receiver->used > 0) {
        uint32_t used = receiver->used, length;
        if (frame[0] != 'S' || (used > 1 && frame[1] != '2')) {
            shift(receiver);
            continue;
        }
        if (used < 5)
            return 0;
        length = frame[3] | (uint32_t)frame[4] << 8;
        if (length > S2R_PAYLOAD) {
            shift(receiver);
            continue;
        }
        if (used < length + 9)
            return 0;
        if (s2r_crc(0, frame + 2, length + 3) != get32(frame + 5 + length)) {
            shift(receiver);
            continue;
        }
        receiver->used = 0; /* the other side waits for the answer: nothing follows */
        return answer(receiver->storage, frame, length, reply);
    }
    return 0;
}
