/* A fault inside comes out as an error, and the process lives. Only a debug build has the function. C and C++. */
#include "check.h"

#ifdef __cplusplus
extern "C"
#endif
int virtsev_debug_panic(virtsev_error **err);

int main(void)
{
    virtsev_error *err = NULL;
    CHECK(virtsev_debug_panic(NULL) == VIRTSEV_ERR_BUG);
    CHECK(virtsev_debug_panic(&err) == VIRTSEV_ERR_BUG && virtsev_error_code(err) == VIRTSEV_ERR_BUG);
    CHECK(strstr(virtsev_error_message(err), "found asked to panic") != NULL);
    CHECK(virtsev_error_hint(err) != NULL);
    virtsev_error_free(err);

    virtsev_config *config = virtsev_config_new();
    char *out = NULL;
    CHECK(virtsev_config_set(config, "security.sev", "true", NULL) == 0);
    CHECK(virtsev_apply(config, DOMAIN, &out, NULL) == 0);
    virtsev_string_free(out);
    virtsev_config_free(config);
    CHECK(virtsev_handle_count() == 0);
    puts("ok");
    return 0;
}
