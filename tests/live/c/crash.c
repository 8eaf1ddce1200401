/* A manager whose libvirtd is killed in the middle of a launch, and which lives on: an error in time, and later everything
 * as it was. In: lines of whoever kills and restarts the daemon. Out: lines of what was done. C and C++. */
#include "lab.h"

static void progress(void *opaque, const char *json)
{
    (void)opaque;
    puts(json);
    fflush(stdout);
}

int main(void)
{
    char line[64], *json = NULL, *xml = read_text(env("LAB_DOMAIN"));
    virtsev_error *err = NULL;
    session(env("LAB_SESSION"));
    virtsev_config *config = config_of(env("LAB_SESSION"));
    virConnectPtr conn = open_lab();
    struct before before = look(conn);
    double begin = now();
    /* The measurement hangs, and the daemon dies over it. */
    int code = virtsev_launch(config, conn, xml, NULL, NULL, progress, NULL, &json, &err);
    CHECK(code == VIRTSEV_ERR_HYPERVISOR && now() - begin < 30);
    CHECK(strstr(virtsev_error_hint(err), "not everything could be undone") != NULL);
    virtsev_error_free(err);
    CHECK(records() == 1);
    /* A dead connection is an error at once, for every function. */
    begin = now();
    CHECK(virConnectIsAlive(conn) == 0);
    virtsev_config_free(config);
    config = config_of(NULL);
    REFUSED(virtsev_host(conn, &json, &err), VIRTSEV_ERR_HYPERVISOR, "");
    REFUSED(virtsev_launch(config, conn, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_HYPERVISOR, "");
    REFUSED(virtsev_check(config, conn, xml, &json, &err), VIRTSEV_ERR_HYPERVISOR, "");
    REFUSED(virtsev_define(config, conn, xml, &json, &err), VIRTSEV_ERR_HYPERVISOR, "");
    REFUSED(virtsev_recover(conn, &json, &err), VIRTSEV_ERR_HYPERVISOR, "");
    CHECK(now() - begin < 10);
    CHECK(references(conn) == 1 && virConnectClose(conn) == 0);
    CHECK(records() == 1);

    puts("failed");
    fflush(stdout);
    CHECK(fgets(line, sizeof line, stdin) != NULL); /* the daemon is there again */
    before.conn = open_lab();
    CHECK(state_of(before.conn, env("LAB_GUEST")) == VIR_DOMAIN_PAUSED);
    /* What was cut off stands in the way of the next launch, by this very process. */
    REFUSED(virtsev_launch(config, before.conn, xml, NULL, NULL, NULL, NULL, &json, &err), VIRTSEV_ERR_STATE, "");
    DONE(virtsev_recover(before.conn, &json, &err));
    CHECK(strstr(json, "The guest was destroyed") != NULL);
    virtsev_string_free(json);
    virtsev_config_free(config);
    virConnectPtr again = before.conn;
    before.handles = 0;
    as_before(&before);
    CHECK(virConnectClose(again) == 0);
    CHECK(virtsev_handle_count() == 0);
    free(xml);
    puts("ok");
    return 0;
}
