/* Launches that are cancelled: from another thread while a step hangs, from the launch's own progress, at any moment. Each
 * leaves nothing. In: WHERE, a name below. Out: "ok". C and C++. */
#include "lab.h"

static char *xml;
static virtsev_cancel *cancel;
/* The step after which the launch is to be cancelled, or "". */
static const char *after;
/* What is done there: nothing but being told, a wish to cancel, or a daemon that stands still from then on. */
static enum { TOLD, CANCEL, STOP } there;
static int reached;
static const char *timeout = "60";

static void progress(void *opaque, const char *json)
{
    char step[64];
    (void)opaque;
    snprintf(step, sizeof step, "{\"step\":\"%s\"", after);
    if (strncmp(json, step, strlen(step)) != 0) return;
    if (there == CANCEL) DONE(virtsev_cancel_ask(cancel, &err));
    if (there == STOP) CHECK(kill((pid_t)atol(env("LAB_PID")), SIGSTOP) == 0);
    __atomic_store_n(&reached, 1, __ATOMIC_SEQ_CST);
}

/* Cancels while the step that follows hangs. */
static void *later(void *delay)
{
    for (int n = 0; n < 600 && *after != '\0' && !__atomic_load_n(&reached, __ATOMIC_SEQ_CST); n++) sleep_ms(50);
    sleep_ms(*(long *)delay);
    DONE(virtsev_cancel_ask(cancel, &err));
    return NULL;
}

/* One launch with a session of its own; what it returned. */
static int launch(virConnectPtr conn, int with_owner, long delay, double *seconds)
{
    static int count;
    char folder[4096];
    pthread_t thread;
    virtsev_error *err = NULL;
    char *json = NULL;
    snprintf(folder, sizeof folder, "%s-%d", env("LAB_SESSION"), count++);
    session(folder);
    virtsev_config *config = config_of(folder);
    virtsev_owner *owner = owner_of(folder);
    DONE(virtsev_config_option(config, "timeout", timeout, &err));
    cancel = virtsev_cancel_new();
    reached = 0;
    if (delay >= 0) CHECK(pthread_create(&thread, NULL, later, &delay) == 0);
    double begin = now();
    int code = virtsev_launch(config, conn, xml, with_owner ? owner : NULL, cancel, progress, NULL, &json, &err);
    *seconds = now() - begin;
    if (delay >= 0) CHECK(pthread_join(thread, NULL) == 0);
    if (code == VIRTSEV_ERR_CANCELLED) CHECK(strstr(virtsev_error_message(err), "cancelled") != NULL);
    if (code != 0) printf("%.1f s: %s\n%s\n", seconds[0], virtsev_error_message(err), virtsev_error_hint(err));
    virtsev_error_free(err);
    virtsev_string_free(json);
    virtsev_cancel_free(cancel);
    virtsev_owner_free(owner);
    virtsev_config_free(config);
    return code;
}

/* The step after `name` hangs, as the simulator was told. */
static void while_it_hangs(virConnectPtr conn, const char *name)
{
    double seconds = 0;
    struct before before = look(conn);
    after = name;
    CHECK(launch(conn, 1, 300, &seconds) == VIRTSEV_ERR_CANCELLED);
    as_before(&before);
}

static void in_progress(virConnectPtr conn)
{
    static const char *const steps[] = {"defined", "started", "measured", "verified", "injected"};
    double seconds = 0;
    there = CANCEL;
    for (int n = 0; n < 5; n++) {
        struct before before = look(conn);
        after = steps[n];
        CHECK(launch(conn, 1, -1, &seconds) == VIRTSEV_ERR_CANCELLED && reached);
        as_before(&before);
    }
    /* The last step of a launch that leaves its guest to its owner. */
    struct before before = look(conn);
    after = "measured";
    CHECK(launch(conn, 0, -1, &seconds) == VIRTSEV_ERR_CANCELLED && reached);
    as_before(&before);
    /* Then it is too late: the guest runs, and the launch says so. */
    after = "resumed";
    CHECK(launch(conn, 1, -1, &seconds) == 0 && reached);
    CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);
    clear(conn);
}

static void at_any_moment(virConnectPtr conn)
{
    static const long delays[] = {0, 15, 30, 60, 100, 150, 220, 300, 400, 550, 700};
    int cancelled = 0;
    double seconds = 0;
    after = "";
    for (size_t n = 0; n < sizeof delays / sizeof *delays; n++) {
        struct before before = look(conn);
        int code = launch(conn, 1, delays[n], &seconds);
        CHECK(code == 0 || code == VIRTSEV_ERR_CANCELLED);
        cancelled += code != 0;
        if (code == 0) clear(conn);
        as_before(&before);
    }
    CHECK(cancelled > 1);
}

/* The daemon does not answer at all. */
static void a_silent_daemon(virConnectPtr conn)
{
    double seconds = 0;
    pid_t daemon = (pid_t)atol(env("LAB_PID"));
    struct before before = look(conn);
    after = "";
    CHECK(kill(daemon, SIGSTOP) == 0);
    int code = launch(conn, 1, 300, &seconds);
    CHECK(kill(daemon, SIGCONT) == 0);
    CHECK(code == VIRTSEV_ERR_CANCELLED && seconds < 2);
    sleep_ms(1000); /* what nobody waited for comes back, and gives its reference back */
    as_before(&before);
}

/* It stops answering once the guest is started, and comes back after everybody has given up. */
static void a_daemon_that_falls_silent(virConnectPtr conn)
{
    double seconds = 0;
    char *json = NULL;
    struct before before = look(conn);
    after = "started";
    there = STOP;
    timeout = "2";
    int code = launch(conn, 1, -1, &seconds);
    CHECK(code == VIRTSEV_ERR_TIMEOUT && seconds < 10 && records() == 1);
    CHECK(kill((pid_t)atol(env("LAB_PID")), SIGCONT) == 0);
    /* While a call is under way that may still change something, so is the launch. */
    for (int n = 0; n < 100 && records() == 1; n++) {
        sleep_ms(100);
        DONE(virtsev_recover(conn, &json, &err));
        CHECK(strstr(json, "under way") != NULL || strstr(json, "The guest was destroyed") != NULL);
        virtsev_string_free(json);
    }
    as_before(&before);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    const char *where = argv[1];
    char *json = NULL;
    xml = read_text(env("LAB_DOMAIN"));
    virConnectPtr conn = open_lab();
    DONE(virtsev_host(conn, &json, &err)); /* what is opened once is open */
    virtsev_string_free(json);
    if (strcmp(where, "progress") == 0) in_progress(conn);
    else if (strcmp(where, "moment") == 0) at_any_moment(conn);
    else if (strcmp(where, "silent") == 0) a_silent_daemon(conn);
    else if (strcmp(where, "falls-silent") == 0) a_daemon_that_falls_silent(conn);
    else while_it_hangs(conn, where);
    CHECK(virConnectClose(conn) == 0);
    CHECK(virtsev_handle_count() == 0);
    free(xml);
    puts("ok");
    return 0;
}
