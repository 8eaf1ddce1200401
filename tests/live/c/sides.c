/* Host and owner as two programs with nothing between them but files. In: a role and files. Out: files, "ok". C and C++. */
#include "lab.h"

static int is(const char *role, char **argv)
{
    return strcmp(argv[1], role) == 0;
}

static virDomainPtr guest(virConnectPtr conn)
{
    virDomainPtr domain = virDomainLookupByName(conn, env("LAB_GUEST"));
    CHECK(domain != NULL);
    return domain;
}

/* launch SESSION EVIDENCE: a guest that waits for its owner. */
static void launch(virConnectPtr conn, char **argv)
{
    char *json = NULL, *xml = read_text(env("LAB_DOMAIN"));
    virtsev_config *config = config_of(argv[2]);
    DONE(virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, &json, &err));
    CHECK(strstr(json, "\"state\":\"paused\"") != NULL && strstr(json, "\"verified\":false") != NULL);
    virtsev_string_free(json);
    virDomainPtr domain = guest(conn);
    DONE(virtsev_measurement(domain, &json, &err));
    write_text(argv[3], json);
    virtsev_string_free(json);
    virDomainFree(domain);
    virtsev_config_free(config);
    free(xml);
}

/* inject PACKET NUMBER TEXT: the packet gives this result, and says this where it is refused. */
static void inject(virConnectPtr conn, char **argv)
{
    char *packet = read_text(argv[2]);
    int number = atoi(argv[3]);
    virDomainPtr domain = guest(conn);
    if (number == 0) DONE(virtsev_inject(domain, packet, 1, &err));
    else REFUSED(virtsev_inject(domain, packet, 1, &err), number, argv[4]);
    virDomainFree(domain);
    free(packet);
}

/* answer SESSION EVIDENCE PACKET NUMBER TEXT: off line. */
static void answer(char **argv)
{
    char *evidence = read_text(argv[3]), *json = NULL;
    int number = atoi(argv[5]);
    virtsev_owner *owner = owner_of(argv[2]);
    if (number == 0) {
        DONE(virtsev_verify(owner, evidence, &json, &err));
        CHECK(strstr(json, "\"schema\":\"virt-sev/verify/1\"") != NULL);
        virtsev_string_free(json);
        DONE(virtsev_packet(owner, evidence, &json, &err));
        CHECK(strstr(json, SECRET) == NULL);
        write_text(argv[4], json);
        virtsev_string_free(json);
    } else {
        REFUSED(virtsev_verify(owner, evidence, &json, &err), number, argv[6]);
        REFUSED(virtsev_packet(owner, evidence, &json, &err), number, argv[6]);
    }
    virtsev_owner_free(owner);
    free(evidence);
}

/* verify SESSION NUMBER TEXT: over a connection of the owner's own. */
static void verify(virConnectPtr conn, char **argv)
{
    int number = atoi(argv[3]);
    char *json = NULL;
    virtsev_owner *owner = owner_of(argv[2]);
    virDomainPtr domain = guest(conn);
    if (number == 0) {
        DONE(virtsev_verify_domain(owner, domain, NULL, NULL, NULL, &json, &err));
        CHECK(strstr(json, "\"state\":\"running\"") != NULL);
        virtsev_string_free(json);
    } else {
        REFUSED(virtsev_verify_domain(owner, domain, NULL, NULL, NULL, &json, &err), number, argv[4]);
        CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_PAUSED);
    }
    virDomainFree(domain);
    virtsev_owner_free(owner);
}

/* The step after which somebody cancels. */
static const char *after;

static void progress(void *cancel, const char *json)
{
    char step[64];
    snprintf(step, sizeof step, "{\"step\":\"%s\"", after);
    if (strncmp(json, step, strlen(step)) == 0) DONE(virtsev_cancel_ask((virtsev_cancel *)cancel, &err));
}

/* stop SESSION STEP: verified, and cancelled before the secret goes in, or after. */
static void stop(virConnectPtr conn, char **argv)
{
    char *json = NULL;
    virtsev_owner *owner = owner_of(argv[2]);
    virtsev_cancel *cancel = virtsev_cancel_new();
    virDomainPtr domain = guest(conn);
    after = argv[3];
    if (strcmp(after, "injected") == 0) {
        DONE(virtsev_verify_domain(owner, domain, cancel, progress, cancel, &json, &err));
        CHECK(strstr(json, "\"state\":\"running\"") != NULL);
        CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_RUNNING);
        virtsev_string_free(json);
    } else {
        REFUSED(virtsev_verify_domain(owner, domain, cancel, progress, cancel, &json, &err), VIRTSEV_ERR_CANCELLED,
                "injecting the secret: cancelled");
        CHECK(state_of(conn, env("LAB_GUEST")) == VIR_DOMAIN_PAUSED);
    }
    virDomainFree(domain);
    virtsev_cancel_free(cancel);
    virtsev_owner_free(owner);
}

int main(int argc, char **argv)
{
    CHECK(argc > 2);
    if (is("session", argv)) session(argv[2]);
    else if (is("answer", argv)) answer(argv);
    else {
        virConnectPtr conn = open_lab();
        if (is("launch", argv)) launch(conn, argv);
        if (is("inject", argv)) inject(conn, argv);
        if (is("verify", argv)) verify(conn, argv);
        if (is("stop", argv)) stop(conn, argv);
        if (is("clear", argv)) clear(conn);
        CHECK(virConnectClose(conn) == 0);
    }
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
