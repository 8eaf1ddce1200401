/* Every function that takes a connection or a domain, used right and wrong over one connection that stays the program's:
 * errors, references, descriptors, the handler of libvirt's errors, the signal mask. C and C++. */
#include "lab.h"

static char *xml;

static void progress(void *steps, const char *json)
{
    static const char *const order[] = {"defined", "started", "measured", "verified", "injected", "resumed"};
    char step[64];
    int *count = (int *)steps;
    CHECK(*count < 6);
    snprintf(step, sizeof step, "{\"step\":\"%s\",\"text\":\"", order[(*count)++]);
    CHECK(strncmp(json, step, strlen(step)) == 0);
}

static virDomainPtr guest(virConnectPtr conn)
{
    virDomainPtr domain = virDomainLookupByName(conn, env("LAB_GUEST"));
    CHECK(domain != NULL);
    return domain;
}

/* Neither NULL nor a handle of another kind gets as far as libvirt. */
static void no_arguments(virConnectPtr conn)
{
    virtsev_config *config = config_of(NULL);
    virtsev_owner *owner = virtsev_owner_new();
    virtsev_cancel *cancel = virtsev_cancel_new();
    virtsev_plan *plan = NULL;
    char *json = NULL;
    const char *const none = "NULL";
    REFUSED(virtsev_check(config, NULL, xml, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_define(config, NULL, xml, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_launch(config, NULL, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_recover(NULL, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_measurement(NULL, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_verify_domain(owner, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE, "");
    REFUSED(virtsev_inject(NULL, "{}", 1, &err), VIRTSEV_ERR_FILE, "packet");

    REFUSED(virtsev_check(NULL, conn, xml, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_check(config, conn, NULL, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_check(config, conn, xml, NULL, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_define(config, conn, "<nothing", &json, &err), VIRTSEV_ERR_DOMAIN, "");
    REFUSED(virtsev_launch(config, conn, "\xff", NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE, "UTF-8");
    REFUSED(virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, NULL, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_launch((virtsev_config *)owner, conn, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE,
            "of another kind");
    REFUSED(virtsev_launch(config, conn, xml, (virtsev_owner *)config, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE,
            "of another kind");
    REFUSED(virtsev_launch(config, conn, xml, NULL, (virtsev_cancel *)owner, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE,
            "of another kind");
    virtsev_cancel_free(cancel);
    REFUSED(virtsev_launch(config, conn, xml, NULL, cancel, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE, "was freed");
    /* An owner without keys verifies nothing. */
    DONE(virtsev_owner_set(owner, "insecure", "true", &err));
    REFUSED(virtsev_launch(config, conn, xml, owner, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_USAGE, "");
    REFUSED(virtsev_session(owner, conn, 1, NULL, &json, &err), VIRTSEV_ERR_USAGE, none);
    REFUSED(virtsev_plan_new(config, conn, xml, NULL, &err), VIRTSEV_ERR_USAGE, none);
    DONE(virtsev_plan_new(config, conn, xml, &plan, &err));
    virtsev_plan_free(plan);
    virtsev_owner_free(owner);
    virtsev_config_free(config);
    CHECK(json == NULL);
}

/* Nothing is changed by what only asks, and a host is described over a connection. */
static void questions(virConnectPtr conn)
{
    char *json = NULL;
    virtsev_config *config = config_of(NULL);
    DONE(virtsev_host(conn, &json, &err));
    CHECK(strstr(json, "\"schema\":\"virt-sev/host/1\"") != NULL);
    virtsev_string_free(json);
    DONE(virtsev_check(config, conn, xml, &json, &err));
    CHECK(strstr(json, "\"possible\":true") != NULL);
    virtsev_string_free(json);
    DONE(virtsev_recover(conn, &json, &err));
    CHECK(strstr(json, "\"told\":[]") != NULL);
    virtsev_string_free(json);
    virtsev_config_free(config);
}

/* A connection that may only read: it describes the host, and a launch is refused before anything is done. */
static void read_only(void)
{
    virConnectPtr conn = virConnectOpenReadOnly(env("LAB_URI"));
    virtsev_config *config = config_of(NULL);
    char *json = NULL;
    CHECK(conn != NULL);
    DONE(virtsev_host(conn, &json, &err));
    virtsev_string_free(json);
    REFUSED(virtsev_define(config, conn, xml, &json, &err), VIRTSEV_ERR_HYPERVISOR, "read only");
    REFUSED(virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_HYPERVISOR, "read only");
    virtsev_config_free(config);
    CHECK(virConnectClose(conn) == 0);
}

/* A guest that is defined and off has no measurement, gets no secret and is not verified. */
static void off(virConnectPtr conn)
{
    virtsev_config *config = config_of(NULL);
    virtsev_owner *owner = owner_of(env("LAB_SESSION"));
    char *json = NULL;
    DONE(virtsev_define(config, conn, xml, &json, &err));
    CHECK(strstr(json, "\"schema\":\"virt-sev/define/1\"") != NULL);
    virtsev_string_free(json);
    virDomainPtr domain = guest(conn);
    REFUSED(virtsev_measurement(domain, &json, &err), VIRTSEV_ERR_STATE, "not active");
    REFUSED(virtsev_verify_domain(owner, domain, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_STATE, "not active");
    virDomainFree(domain);
    clear(conn);
    virtsev_owner_free(owner);
    virtsev_config_free(config);
}

/* A whole measured launch, and then everything that is too late. */
static void whole(virConnectPtr conn)
{
    char *json = NULL, *packet = NULL;
    int steps = 0;
    session(env("LAB_SESSION"));
    virtsev_config *config = config_of(env("LAB_SESSION"));
    virtsev_owner *owner = owner_of(env("LAB_SESSION"));
    DONE(virtsev_owner_set(owner, "insecure", NULL, &err));
    REFUSED(virtsev_launch(config, conn, xml, owner, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_INSECURE, "");
    DONE(virtsev_owner_set(owner, "insecure", "true", &err));
    DONE(virtsev_launch(config, conn, xml, owner, NULL, progress, &steps, &json, &err));
    CHECK(steps == 6);
    CHECK(strstr(json, "\"schema\":\"virt-sev/launch/1\"") != NULL && strstr(json, "\"verified\":true") != NULL);
    virtsev_string_free(json);
    CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);

    virDomainPtr domain = guest(conn);
    DONE(virtsev_measurement(domain, &json, &err));
    REFUSED(virtsev_verify_domain(owner, domain, NULL, NULL, NULL, &packet, &err), VIRTSEV_ERR_STATE, "not paused");
    DONE(virtsev_packet(owner, json, &packet, &err));
    REFUSED(virtsev_inject(domain, packet, 1, &err), VIRTSEV_ERR_STATE, "not paused");
    virtsev_string_free(packet);
    virtsev_string_free(json);
    virDomainFree(domain);

    REFUSED(virtsev_launch(config, conn, xml, owner, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_SESSION, "used before");
    virtsev_config *plain = config_of(NULL);
    REFUSED(virtsev_launch(plain, conn, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_STATE, "");
    CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);
    clear(conn);
    REFUSED(virtsev_launch(config, conn, xml, owner, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_SESSION, "used before");
    virtsev_config_free(plain);
    virtsev_owner_free(owner);
    virtsev_config_free(config);
}

/* What could be told of one record is not lost for another that is damaged. */
static void recovery(virConnectPtr conn)
{
    static const char *const ELSEWHERE = "{\"uri\":\"none:///\",\"uuid\":\"4dea22b3-1d52-48f3-a516-782e98ab3fa0\","
                                         "\"name\":\"elsewhere\",\"previous\":null,\"pid\":1,\"pid_start\":4294967295}";
    char damaged[4096], whole[4096], *json = NULL;
    virtsev_error *err = NULL;
    snprintf(damaged, sizeof damaged, "%s/virt-sev/launches/0.json", env("XDG_STATE_HOME"));
    snprintf(whole, sizeof whole, "%s/virt-sev/launches/1.json", env("XDG_STATE_HOME"));
    write_text(damaged, "");
    write_text(whole, ELSEWHERE);
    CHECK(virtsev_recover(conn, &json, &err) == VIRTSEV_ERR_FILE && json == NULL);
    CHECK(strstr(virtsev_error_message(err), "0.json") != NULL);
    CHECK(strstr(virtsev_error_json(err), "\"answer\":{\"schema\":\"virt-sev/recover/1\",\"told\":[\"elsewhere: ") != NULL);
    virtsev_error_free(err);
    CHECK(unlink(damaged) == 0 && unlink(whole) == 0);
}

/* Nobody to verify it: SEV-SNP attests itself. */
static void snp(virConnectPtr conn)
{
    char *json = NULL;
    virtsev_config *config = config_of(NULL);
    DONE(virtsev_config_set(config, "security.sev", NULL, &err));
    DONE(virtsev_config_set(config, "security.sev.snp", "true", &err));
    DONE(virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, &json, &err));
    CHECK(strstr(json, "\"mode\":\"sev-snp\"") != NULL && strstr(json, "\"verified\":false") != NULL);
    virtsev_string_free(json);
    CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);
    virDomainPtr domain = guest(conn);
    REFUSED(virtsev_measurement(domain, &json, &err), VIRTSEV_ERR_STATE, "attests itself");
    virDomainFree(domain);
    clear(conn);
    virtsev_config_free(config);
}

int main(void)
{
    sigset_t mask, later;
    struct sigaction actions[32];
    CHECK(sigprocmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int number = 1; number < 32; number++) CHECK(sigaction(number, NULL, &actions[number]) == 0);
    xml = read_text(env("LAB_DOMAIN"));
    virConnectPtr conn = open_lab();
    questions(conn); /* libvirt opens what it opens once */
    struct before before = look(conn);
    no_arguments(conn);
    questions(conn);
    read_only();
    whole(conn);
    recovery(conn);
    off(conn);
    snp(conn);
    as_before(&before);

    /* The process is as it was: its handler of errors, its mask, its handlers of signals. */
    int errors = libvirt_errors;
    CHECK(virDomainLookupByName(conn, "there-is-none") == NULL && libvirt_errors == errors + 1);
    CHECK(sigprocmask(SIG_SETMASK, NULL, &later) == 0);
    for (int number = 1; number < 32; number++) {
        struct sigaction action;
        CHECK(sigismember(&mask, number) == sigismember(&later, number));
        CHECK(sigaction(number, NULL, &action) == 0 && action.sa_handler == actions[number].sa_handler);
    }
    CHECK(virConnectClose(conn) == 0);
    free(xml);
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
