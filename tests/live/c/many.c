/* Threads over one connection: four guests at once, one guest four times at once, and a program with libvirt's event loop,
 * whose thread launches too. C and C++. */
#include "lab.h"

enum { GUESTS = 4 };

static virConnectPtr conn;
static char *xml;

/* The lab's document with another name. */
static char *document(int number)
{
    char *out = (char *)calloc(1, strlen(xml) + 64), name[256];
    CHECK(out != NULL);
    snprintf(name, sizeof name, "<name>%s</name>", env("LAB_GUEST"));
    char *place = strstr(xml, name);
    CHECK(place != NULL);
    sprintf(out, "%.*s<name>%s-%d</name>%s", (int)(place - xml), xml, env("LAB_GUEST"), number, place + strlen(name));
    return out;
}

static void *one_guest(void *number)
{
    int n = *(int *)number;
    char folder[4096], name[256], *json = NULL, *own = document(n);
    snprintf(folder, sizeof folder, "%s-%d", env("LAB_SESSION"), n);
    snprintf(name, sizeof name, "\"domain\":\"%s-%d\"", env("LAB_GUEST"), n);
    session(folder);
    virtsev_config *config = config_of(folder);
    virtsev_owner *owner = owner_of(folder);
    DONE(virtsev_config_option(config, "timeout", "60", &err));
    DONE(virtsev_launch(config, conn, own, owner, NULL, NULL, NULL, &json, &err));
    CHECK(strstr(json, "\"verified\":true") != NULL && strstr(json, name) != NULL);
    virtsev_string_free(json);
    virtsev_owner_free(owner);
    virtsev_config_free(config);
    free(own);
    return NULL;
}

static void different_guests(void)
{
    pthread_t threads[GUESTS];
    int numbers[GUESTS];
    for (int n = 0; n < GUESTS; n++) {
        numbers[n] = n;
        CHECK(pthread_create(&threads[n], NULL, one_guest, &numbers[n]) == 0);
    }
    for (int n = 0; n < GUESTS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
    for (int n = 0; n < GUESTS; n++) {
        char name[256];
        snprintf(name, sizeof name, "%s-%d", env("LAB_GUEST"), n);
        CHECK(state_of(conn, name) == VIR_DOMAIN_RUNNING);
        virDomainPtr domain = virDomainLookupByName(conn, name);
        CHECK(domain != NULL && virDomainDestroy(domain) == 0);
        CHECK(virDomainUndefineFlags(domain, VIR_DOMAIN_UNDEFINE_KEEP_NVRAM) == 0);
        virDomainFree(domain);
    }
}

/* Launches the lab's guest with the keys given; what came of it. */
static int launched(void)
{
    virtsev_config *config = config_of(NULL);
    virtsev_error *err = NULL;
    char *json = NULL;
    int code = virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, &json, &err);
    if (code != 0) fprintf(stdout, "%d: %s\n", code, virtsev_error_message(err));
    virtsev_error_free(err);
    virtsev_string_free(json);
    virtsev_config_free(config);
    return code;
}

static void *same(void *code)
{
    *(int *)code = launched();
    return NULL;
}

/* One of them launches it; the others are refused, and touch nothing of the one's. Where the document has no UUID, two can
 * come as far as libvirt. */
static void the_same_guest(void)
{
    pthread_t threads[GUESTS];
    int codes[GUESTS], launched = 0;
    for (int n = 0; n < GUESTS; n++) CHECK(pthread_create(&threads[n], NULL, same, &codes[n]) == 0);
    for (int n = 0; n < GUESTS; n++) {
        CHECK(pthread_join(threads[n], NULL) == 0);
        if (strstr(xml, "<uuid>") != NULL || codes[n] != VIRTSEV_ERR_HYPERVISOR)
            CHECK(codes[n] == 0 || codes[n] == VIRTSEV_ERR_STATE);
        launched += codes[n] == 0;
    }
    CHECK(launched == 1 && state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING && records() == 0);
    clear(conn);
}

static int stop, called;

static void *events(void *unused)
{
    (void)unused;
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) CHECK(virEventRunDefaultImpl() == 0);
    return NULL;
}

static void tick(int timer, void *unused)
{
    (void)timer;
    (void)unused;
}

/* On the thread of the event loop, which stands still meanwhile. */
static void launch_here(int timer, void *unused)
{
    (void)unused;
    virEventRemoveTimeout(timer);
    CHECK(launched() == 0);
    __atomic_store_n(&called, 1, __ATOMIC_SEQ_CST);
}

static void with_an_event_loop(void)
{
    pthread_t thread;
    int ticks = virEventAddTimeout(100, tick, NULL, NULL);
    CHECK(ticks >= 0 && pthread_create(&thread, NULL, events, NULL) == 0);
    conn = open_lab();
    CHECK(virConnectSetKeepAlive(conn, 1, 5) == 0);
    CHECK(launched() == 0); /* libvirt opens what it opens once */
    clear(conn);
    struct before before = look(conn);
    CHECK(launched() == 0);
    clear(conn);
    CHECK(virEventAddTimeout(0, launch_here, NULL, NULL) >= 0);
    for (int n = 0; n < 600 && !__atomic_load_n(&called, __ATOMIC_SEQ_CST); n++) sleep_ms(50);
    CHECK(called && state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);
    clear(conn);
    sleep_ms(300); /* the loop closes what was closed */
    as_before(&before);
    CHECK(virConnectClose(conn) == 0);
    __atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    xml = read_text(env("LAB_DOMAIN"));
    if (strcmp(argv[1], "loop") == 0) {
        CHECK(virEventRegisterDefaultImpl() == 0);
        with_an_event_loop();
    } else {
        conn = open_lab();
        CHECK(launched() == 0); /* libvirt opens what it opens once */
        clear(conn);
        struct before before = look(conn);
        if (strcmp(argv[1], "different") == 0) different_guests();
        else the_same_guest();
        as_before(&before);
        CHECK(virConnectClose(conn) == 0);
    }
    CHECK(virtsev_handle_count() == 0);
    free(xml);
    puts("ok");
    return 0;
}
