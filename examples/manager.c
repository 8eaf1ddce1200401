/* manager.c: a small manager of virtual machines that launches SEV guests with virt-sev.
 *
 * It holds a libvirt connection of its own and links no part of virt-sev: it loads libvirtsev.so.0 while it runs, and tells
 * its user where that is missing. Ctrl-C stops the launch in order: the guest is ended, its definition is what it was.
 *
 *     cc manager.c $(pkg-config --cflags virtsev) $(pkg-config --cflags --libs libvirt) -ldl -pthread -o manager
 *     ./manager qemu:///system guest.xml security.sev=true
 *     ./manager qemu+ssh://host/system guest.xml --keys keys.yaml --owner tik=tik.bin --owner tek=tek.bin ...
 *
 * C99 with POSIX, and C++. */
#include <dlfcn.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <virtsev.h>

/* Every function of the library. */
static const virtsev_driver *sev;

static int load(void)
{
    const virtsev_driver *(*get)(uint32_t) = NULL;
    void *library = dlopen("libvirtsev.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) *(void **)(&get) = dlsym(library, "virtsev_driver_get");
    if (get == NULL) {
        fprintf(stderr, "no libvirtsev.so.0: %s\n", dlerror());
        return -1;
    }
    sev = get(VIRTSEV_ABI_VERSION);
    if (sev == NULL) fprintf(stderr, "libvirtsev.so.0 is too old: ABI %d is needed\n", VIRTSEV_ABI_VERSION);
    return sev == NULL ? -1 : 0;
}

/* Says what went wrong and what to do about it, and frees the error. */
static void tell(const char *what, virtsev_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, sev->error_name(err), sev->error_message(err));
    if (sev->error_hint(err) != NULL) fprintf(stderr, "%s\n", sev->error_hint(err));
    sev->error_free(err);
}

/* Prints an answer and frees it. A manager has a parser for JSON; this one shows it. */
static int answered(const char *what, int code, char *json, virtsev_error *err)
{
    if (code != 0) {
        tell(what, err);
        return code;
    }
    printf("%s: %s\n", what, json);
    sev->string_free(json);
    return 0;
}

/* A step of the launch is done. */
static void progress(void *opaque, const char *json)
{
    (void)opaque;
    fprintf(stderr, "... %s\n", json);
}

/* Waits for a signal on a thread of its own: a handler could not call the library. SIGUSR1 ends the thread. */
static void *wait_for_signals(void *cancel)
{
    sigset_t set;
    int number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    while (sigwait(&set, &number) != 0 || number != SIGUSR1) sev->cancel_ask((virtsev_cancel *)cancel, NULL);
    return NULL;
}

/* libvirt prints each error unless it is told otherwise, and only the program may tell it. */
static void quiet(void *opaque, virErrorPtr error)
{
    (void)opaque;
    (void)error;
}

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    char *text = NULL;
    size_t size = 0, room = 0;
    while (file != NULL) {
        if (size + 4096 > room) {
            char *more = (char *)realloc(text, room = 2 * room + 8192);
            if (more == NULL) break;
            text = more;
        }
        size_t read = fread(text + size, 1, 4096, file);
        size += read;
        text[size] = '\0';
        if (read == 0) break;
    }
    if (file == NULL || ferror(file) || text == NULL) {
        perror(name);
        free(text);
        text = NULL;
    }
    if (file != NULL) fclose(file);
    return text;
}

/* What the command line says of the guest: keys, options of the launch, and what the guest's owner expects of it. */
struct wanted {
    virtsev_config *config;
    virtsev_owner *owner;
    int owned;
};

static int understand(struct wanted *wanted, int count, char **words)
{
    virtsev_error *err = NULL;
    for (int n = 0; n < count; n++) {
        char *word = words[n], *kind = NULL;
        if (strncmp(word, "--", 2) == 0 && n + 1 < count) {
            kind = word + 2;
            word = words[++n];
        }
        int code;
        if (kind != NULL && strcmp(kind, "keys") == 0) {
            char *text = read_file(word);
            if (text == NULL) return -1;
            code = sev->config_load(wanted->config, text, NULL, &err);
            free(text);
        } else {
            char *value = strchr(word, '=');
            if (value != NULL) *value++ = '\0';
            if (value == NULL) {
                fprintf(stderr, "%s: not NAME=VALUE\n", word);
                return -1;
            } else if (kind == NULL) {
                code = sev->config_set(wanted->config, word, value, &err);
            } else if (strcmp(kind, "option") == 0) {
                code = sev->config_option(wanted->config, word, value, &err);
            } else if (strcmp(kind, "owner") == 0) {
                code = sev->owner_set(wanted->owner, word, value, &err);
                wanted->owned = 1;
            } else {
                fprintf(stderr, "--%s: there is --keys, --option and --owner\n", kind);
                return -1;
            }
        }
        if (code != 0) {
            tell(word, err);
            return code;
        }
    }
    return 0;
}

/* Everything over one connection, which stays the program's own. */
static int run(virConnectPtr conn, const struct wanted *wanted, const char *xml, virtsev_cancel *cancel)
{
    virtsev_error *err = NULL;
    char *json = NULL;
    /* What an earlier run has left that was killed in the middle of a launch. */
    int code = sev->recover(conn, &json, &err);
    if (answered("recovered", code, json, err) != 0) return code;
    code = sev->host(conn, &json, &err);
    if (answered("host", code, json, err) != 0) return code;
    code = sev->check(wanted->config, conn, xml, &json, &err);
    if (answered("check", code, json, err) != 0) return code;
    code = sev->launch(wanted->config, conn, xml, wanted->owned ? wanted->owner : NULL, cancel, progress, NULL, &json, &err);
    return answered("launched", code, json, err);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s URI DOMAIN.xml [KEY=VALUE | --keys FILE | --option NAME=VALUE | --owner NAME=VALUE]...\n",
                argv[0]);
        return 2;
    }
    if (load() != 0) return 1;

    /* Threads inherit what is blocked here, so that a signal reaches nobody but sigwait. */
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    virtsev_cancel *cancel = sev->cancel_new();
    pthread_t waiter;
    if (pthread_create(&waiter, NULL, wait_for_signals, cancel) != 0) return 1;

    int code = -1;
    virSetErrorFunc(NULL, quiet);
    struct wanted wanted = {sev->config_new(), sev->owner_new(), 0};
    char *xml = read_file(argv[2]);
    virConnectPtr conn = NULL;
    if (xml != NULL && understand(&wanted, argc - 3, argv + 3) == 0) {
        conn = virConnectOpen(argv[1]);
        if (conn == NULL) fprintf(stderr, "%s: %s\n", argv[1], virGetLastErrorMessage());
        else code = run(conn, &wanted, xml, cancel);
    }

    pthread_kill(waiter, SIGUSR1);
    pthread_join(waiter, NULL);
    sev->cancel_free(cancel);
    sev->config_free(wanted.config);
    sev->owner_free(wanted.owner);
    free(xml);
    /* 0 references are left: virt-sev has given back its own. */
    if (conn != NULL && virConnectClose(conn) != 0) fprintf(stderr, "the connection is still in use\n");
    if (sev->handle_count() != 0) fprintf(stderr, "something was not freed\n");
    return code == 0 ? 0 : 1;
}
