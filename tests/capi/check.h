/* What every program here needs. In: a condition. Out: a line and exit 1 where it does not hold. C and C++. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtsev.h>

#define CHECK(condition)                                                                                    \
    do {                                                                                                    \
        if (!(condition)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                                        \
        }                                                                                                   \
    } while (0)

/* The call fails with this number, its error says this, and frees. `err` is what the call was given. */
#define REFUSED(call, number, text)                                                                         \
    do {                                                                                                    \
        virtsev_error *err = NULL;                                                                          \
        int returned = (call);                                                                              \
        if (returned != (number))                                                                           \
            fprintf(stderr, "returned %d: %s\n", returned, err ? virtsev_error_message(err) : "");          \
        CHECK(returned == (number));                                                                        \
        CHECK(err != NULL && virtsev_error_code(err) == (number));                                          \
        if (strstr(virtsev_error_message(err), (text)) == NULL)                                             \
            fprintf(stderr, "said: %s\n", virtsev_error_message(err));                                      \
        CHECK(strstr(virtsev_error_message(err), (text)) != NULL);                                          \
        virtsev_error_free(err);                                                                            \
    } while (0)

/* The call succeeds, and leaves `err` alone. */
#define DONE(call)                                                                                          \
    do {                                                                                                    \
        virtsev_error *err = NULL;                                                                          \
        int returned = (call);                                                                              \
        if (returned != 0) fprintf(stderr, "returned %d: %s\n", returned, virtsev_error_message(err));      \
        CHECK(returned == 0 && err == NULL);                                                                \
    } while (0)

/* 16 bytes of hexadecimal digits. */
static inline void unhex(unsigned char *into, const char *text)
{
    for (int n = 0; n < 16; n++) {
        unsigned byte;
        CHECK(sscanf(text + 2 * n, "%2x", &byte) == 1);
        into[n] = (unsigned char)byte;
    }
}

#define DOMAIN_HEAD "<domain type='kvm'><name>web1</name><memory>1048576</memory><vcpu>2</vcpu>"
#define DOMAIN DOMAIN_HEAD "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
#define KEYED_DOMAIN                                                                                         \
    DOMAIN_HEAD "<metadata><v:config xmlns:v='urn:virt-sev:config:1'><v:key name='security.sev'>true</v:key>" \
                "</v:config></metadata><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
#define WRONG_DOMAIN DOMAIN_HEAD "<os><type arch='aarch64' machine='virt'>hvm</type></os></domain>"

#endif
