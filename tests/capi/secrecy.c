/* Keys and secrets of an owner are gone from the memory of the process once the owner is freed. In: the marks, inverted and in
 * hexadecimal, so that they stand nowhere but where the library has them; a policy file; evidence. C. */
#include "check.h"
#include <fcntl.h>
#include <unistd.h>

enum { SIZE = 16 };

/* Inverted. */
static unsigned char marks[3][SIZE];
static const char *const NAMES[3] = {"TIK", "TEK", "secret"};

static void invert(volatile unsigned char *into, const unsigned char *from)
{
    for (int n = 0; n < SIZE; n++) into[n] = (unsigned char)~from[n];
}

static void wipe(volatile unsigned char *bytes, size_t size)
{
    for (size_t n = 0; n < size; n++) bytes[n] = 0;
}

/* How often a mark stands in what this process can write to, with every byte changed by `mask`. */
static int places(const unsigned char *mark, unsigned char mask)
{
    static unsigned char piece[(1 << 16) + SIZE];
    static char line[512];
    int found = 0, memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(memory >= 0 && maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end;
        char rights[8];
        CHECK(sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3);
        if (rights[0] != 'r' || rights[1] != 'w') continue;
        for (unsigned long at = start; at < end; at += sizeof piece - SIZE) {
            size_t wanted = end - at < sizeof piece ? end - at : sizeof piece;
            ssize_t read = pread(memory, piece, wanted, (off_t)at);
            for (ssize_t n = 0; n + SIZE <= read; n++) {
                unsigned long here = at + (unsigned long)n;
                if (here + SIZE > (unsigned long)piece && here < (unsigned long)piece + sizeof piece) continue;
                int same = 0;
                while (same < SIZE && (unsigned char)(piece[n + same] ^ mask) == (unsigned char)~mark[same]) same++;
                if (same == SIZE) {
                    found++;
                    if (getenv("SHOW")) fprintf(stderr, "%lx (mask %x) in %s", here, mask, line);
                }
            }
            wipe(piece, sizeof piece);
        }
    }
    fclose(maps);
    close(memory);
    return found;
}

/* The marks themselves, and keys as HMAC lays them under its two pads. */
static void gone(const char *when)
{
    for (int n = 0; n < 3; n++) {
        static const unsigned char MASKS[3] = {0, 0x36, 0x5c};
        for (int m = 0; m < 3; m++) {
            int count = places(marks[n], MASKS[m]);
            if (count != 0) fprintf(stderr, "%s: the %s stands %d times in memory, under %#x\n", when, NAMES[n], count, MASKS[m]);
            CHECK(count == 0);
        }
    }
}

static char *contents(const char *path)
{
    char *text = (char *)calloc(1, 1 << 16);
    FILE *file = fopen(path, "r");
    CHECK(text != NULL && file != NULL);
    CHECK(fread(text, 1, (1 << 16) - 1, file) > 0);
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    CHECK(argc == 6);
    for (int n = 0; n < 3; n++) unhex(marks[n], argv[n + 1]);
    char *evidence = contents(argv[5]);
    gone("before");

    virtsev_owner *owner = virtsev_owner_new();
    unsigned char given[3][SIZE];
    for (int n = 0; n < 3; n++) invert(given[n], marks[n]);
    DONE(virtsev_owner_keys(owner, given[0], given[1], &err));
    DONE(virtsev_owner_secret(owner, "luks-key", given[2], SIZE, &err));
    /* Whoever takes one for another: nothing of it is said. */
    virtsev_error *refused = NULL;
    CHECK(virtsev_owner_secret(owner, "luks-key", given[2], SIZE, &refused) != 0);
    DONE(virtsev_owner_set(owner, "policy-file", argv[4], &err));
    wipe(given[0], sizeof given);
    for (int n = 0; n < 3; n++) CHECK(places(marks[n], 0) > 0);

    char *json = NULL, *packet = NULL;
    DONE(virtsev_verify(owner, evidence, &json, &err));
    DONE(virtsev_packet(owner, evidence, &packet, &err));
    /* A verdict of no holds keys, too. */
    virtsev_error *no = NULL;
    evidence[strlen(evidence) / 2] ^= 1;
    (void)virtsev_verify(owner, evidence, &json, &no);
    virtsev_owner_free(owner);
    /* Errors and answers live on. */
    gone("after");
    virtsev_error_free(no);
    virtsev_error_free(refused);
    virtsev_string_free(json);
    virtsev_string_free(packet);
    free(evidence);
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
