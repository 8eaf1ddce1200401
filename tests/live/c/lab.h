/* What every program here needs. In: the lab, as environment variables say. Out: connections, configurations, owners and
 * what is left of a launch. C and C++; whatever does not hold ends the program. */
#ifndef LAB_H
#define LAB_H

#include "check.h"
#include <dirent.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define SECRET "a secret of the owner's"

static inline const char *env(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) fprintf(stderr, "%s is not set\n", name);
    CHECK(value != NULL);
    return value;
}

static inline double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void sleep_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* How many libvirt's errors came to the program's own handler. */
static inline void count_error(void *count, virErrorPtr error)
{
    (void)error;
    __atomic_add_fetch((int *)count, 1, __ATOMIC_SEQ_CST);
}

static int libvirt_errors;

static inline virConnectPtr open_lab(void)
{
    virSetErrorFunc(&libvirt_errors, count_error);
    virConnectPtr conn = virConnectOpen(env("LAB_URI"));
    CHECK(conn != NULL);
    return conn;
}

/* How many references there are to a connection, the program's own among them. */
static inline int references(virConnectPtr conn)
{
    CHECK(virConnectRef(conn) == 0);
    return virConnectClose(conn);
}

/* Files, sockets and pipes that are open. */
static inline int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    CHECK(folder != NULL);
    while (readdir(folder) != NULL) count++;
    closedir(folder);
    return count;
}

/* Records of launches under way. */
static inline int records(void)
{
    char name[4096];
    int count = 0;
    snprintf(name, sizeof name, "%s/virt-sev/launches", env("XDG_STATE_HOME"));
    DIR *folder = opendir(name);
    if (folder == NULL) return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static inline char *read_text(const char *name)
{
    static const size_t most = 1 << 20;
    char *text = (char *)calloc(1, most);
    FILE *file = fopen(name, "r");
    if (file == NULL) perror(name);
    CHECK(text != NULL && file != NULL && fread(text, 1, most - 1, file) > 0);
    fclose(file);
    return text;
}

static inline void write_text(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* The state of the lab's guest; -1 where there is no such domain. */
static inline int state_of(virConnectPtr conn, const char *guest)
{
    int state = -1;
    virDomainPtr domain = virDomainLookupByName(conn, guest);
    if (domain == NULL) return -1;
    CHECK(virDomainGetState(domain, &state, NULL, 0) == 0);
    virDomainFree(domain);
    return state;
}

/* An owner who makes sessions for this platform; with_keys: who verifies with the keys of this folder, and has a secret. */
static inline virtsev_owner *owner_of(const char *keys)
{
    char name[4096];
    virtsev_owner *owner = virtsev_owner_new();
    DONE(virtsev_owner_set(owner, "chain", env("LAB_CHAIN"), &err));
    DONE(virtsev_owner_set(owner, "ca", env("LAB_CA"), &err));
    if (keys == NULL) return owner;
    DONE(virtsev_owner_set(owner, "chain", NULL, &err));
    snprintf(name, sizeof name, "%s/tik.bin", keys);
    DONE(virtsev_owner_set(owner, "tik", name, &err));
    snprintf(name, sizeof name, "%s/tek.bin", keys);
    DONE(virtsev_owner_set(owner, "tek", name, &err));
    DONE(virtsev_owner_set(owner, "firmware", env("LAB_OWN_FIRMWARE"), &err));
    DONE(virtsev_owner_set(owner, "insecure", "true", &err)); /* the lab is this machine */
    DONE(virtsev_owner_secret(owner, "luks-key", SECRET, sizeof SECRET - 1, &err));
    return owner;
}

/* A fresh session in a folder of this name. */
static inline void session(const char *folder)
{
    char *json = NULL;
    virtsev_owner *owner = owner_of(NULL);
    DONE(virtsev_session(owner, NULL, 1, folder, &json, &err));
    CHECK(strstr(json, "\"schema\":\"virt-sev/session/1\"") != NULL);
    virtsev_string_free(json);
    virtsev_owner_free(owner);
}

/* What a platform without the chip needs to be told, and the keys of a session's folder where there is one. */
static inline virtsev_config *config_of(const char *folder)
{
    virtsev_config *config = virtsev_config_new();
    if (folder != NULL) {
        char name[4096];
        snprintf(name, sizeof name, "%s/keys.yaml", folder);
        char *keys = read_text(name);
        DONE(virtsev_config_load(config, keys, NULL, &err));
        free(keys);
    } else {
        DONE(virtsev_config_set(config, "security.sev", "true", &err));
    }
    DONE(virtsev_config_set(config, "security.sev.firmware", env("LAB_FIRMWARE"), &err));
    DONE(virtsev_config_set(config, "security.sev.memory.lock", "none", &err));
    DONE(virtsev_config_option(config, "skip", "mode-host", &err));
    if (strcmp(env("LAB_KVM"), "yes") != 0) DONE(virtsev_config_option(config, "skip", "kvm", &err));
    DONE(virtsev_config_option(config, "timeout", "10", &err));
    return config;
}

/* What a launch is compared with that leaves nothing. */
struct before {
    virConnectPtr conn;
    size_t handles;
    int descriptors, references, records;
    char *definition; /* NULL: none */
};

static inline char *definition_of(virConnectPtr conn)
{
    virDomainPtr domain = virDomainLookupByName(conn, env("LAB_GUEST"));
    char *xml = domain == NULL ? NULL : virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    if (domain != NULL) virDomainFree(domain);
    return xml;
}

static inline struct before look(virConnectPtr conn)
{
    struct before before = {conn, virtsev_handle_count(), descriptors(), references(conn), records(), definition_of(conn)};
    return before;
}

/* Everything is as it was. */
static inline void as_before(struct before *before)
{
    char *definition = definition_of(before->conn);
    int state = state_of(before->conn, env("LAB_GUEST"));
    CHECK(virtsev_handle_count() == before->handles);
    CHECK(references(before->conn) == before->references);
    CHECK(records() == before->records);
    CHECK((definition == NULL) == (before->definition == NULL));
    if (definition == NULL) CHECK(state == -1);
    else CHECK(state == VIR_DOMAIN_SHUTOFF && strcmp(definition, before->definition) == 0);
    int open = descriptors();
    if (open != before->descriptors) fprintf(stderr, "%d descriptors, and %d before\n", open, before->descriptors);
    CHECK(open == before->descriptors);
    free(definition);
    free(before->definition);
}

/* Ends the lab's guest and removes its definition. */
static inline void clear(virConnectPtr conn)
{
    virDomainPtr domain = virDomainLookupByName(conn, env("LAB_GUEST"));
    if (domain == NULL) return;
    virDomainDestroy(domain);
    virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM);
    virDomainFree(domain);
}

#endif
