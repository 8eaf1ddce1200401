/* Eight threads make a hundred thousand calls, some over handles that all of them share and free: right answers, and
 * memory stays flat. C and C++. */
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 1500, CALLS_A_ROUND = 10 };

/* Used by every thread at once. */
static virtsev_config *shared;
/* Freed by whoever comes first, used by whoever comes before. */
static virtsev_config *contended;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long resident_kib(void)
{
    long pages = 0, all = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%ld %ld", &all, &pages) == 2);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void round_of_calls(unsigned n)
{
    virtsev_config *own = virtsev_config_new();
    virtsev_error *err = NULL;
    char *json = NULL;
    CHECK(virtsev_config_set(own, "security.sev", "true", NULL) == 0);
    CHECK(virtsev_config_set(own, "security.sev.policy.es", n % 2 ? "true" : "false", NULL) == 0);
    CHECK(virtsev_config_json(own, &json, NULL) == 0);
    CHECK(strstr(json, n % 2 ? "\"sev-es\"" : "\"mode\":\"sev\"") != NULL);
    virtsev_string_free(json);
    CHECK(virtsev_config_set(own, "security.sev", "maybe", &err) == VIRTSEV_ERR_CONFIG);
    CHECK(strstr(virtsev_error_message(err), "maybe") != NULL);
    virtsev_error_free(err);

    CHECK(virtsev_config_set(shared, "security.sev.policy.noks", n % 3 ? "true" : "false", NULL) == 0);
    if (n % 16 == 0) {
        CHECK(virtsev_apply(shared, DOMAIN, &json, NULL) == 0);
        CHECK(strstr(json, "<launchSecurity type='sev'>") != NULL);
        virtsev_string_free(json);
    }
    virtsev_config_free(own);

    /* One thread frees what others may be using. */
    pthread_mutex_lock(&lock);
    virtsev_config *now = contended;
    if (n % 8 == 0) contended = virtsev_config_new();
    pthread_mutex_unlock(&lock);
    int code = virtsev_config_json(now, &json, NULL);
    CHECK(code == 0 || code == VIRTSEV_ERR_USAGE);
    if (code == 0) virtsev_string_free(json);
    if (n % 8 == 0) virtsev_config_free(now);
}

/* The library handles no signal. */
static void no_handlers(void)
{
    for (int number = 1; number < 32; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) == 0) CHECK(now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN);
    }
}

static void *many(void *rounds)
{
    for (unsigned n = 0; n < *(unsigned *)rounds; n++) round_of_calls(n);
    return NULL;
}

static void run(unsigned rounds)
{
    pthread_t threads[THREADS];
    for (int n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, many, &rounds) == 0);
    for (int n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
}

int main(void)
{
    CHECK(THREADS * ROUNDS * CALLS_A_ROUND >= 100000);
    shared = virtsev_config_new();
    contended = virtsev_config_new();
    CHECK(virtsev_config_set(shared, "security.sev", "true", NULL) == 0);
    run(ROUNDS / 10);
    long warm = resident_kib();
    run(ROUNDS);
    long end = resident_kib();
    printf("%ld KiB, then %ld KiB\n", warm, end);
    CHECK(end - warm < 1024);
    virtsev_config_free(shared);
    virtsev_config_free(contended);
    CHECK(virtsev_handle_count() == 0);
    no_handlers();
    puts("ok");
    return 0;
}
