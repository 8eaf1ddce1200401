/* A caller that was built when ABI 1 was new: it knows the beginning of the table, loads the library while it runs, and
 * has never seen a later header. FROZEN: what stands here is a promise. C and C++. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct older_driver {
    size_t size;
    uint32_t abi;
    uint32_t (*abi_version)(void);
    const char *(*version)(void);
    size_t (*handle_count)(void);
    int (*error_code)(const void *);
    const char *(*error_name)(const void *);
    const char *(*error_message)(const void *);
    const char *(*error_hint)(const void *);
    const char *(*error_json)(const void *);
    void (*error_free)(void *);
    void (*string_free)(char *);
    void *(*config_new)(void);
    int (*config_set)(void *, const char *, const char *, void **);
    int (*config_load)(void *, const char *, const char *, void **);
    int (*config_option)(void *, const char *, const char *, void **);
    int (*config_json)(const void *, char **, void **);
    void (*config_free)(void *);
    int (*apply)(const void *, const char *, char **, void **);
} older_driver;

#define CHECK(condition)                                                                                    \
    do {                                                                                                    \
        if (!(condition)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                 \
            exit(1);                                                                                        \
        }                                                                                                   \
    } while (0)

static void use(void)
{
    void *library = dlopen("libvirtsev.so.0", RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    const older_driver *(*get)(uint32_t);
    *(void **)(&get) = dlsym(library, "virtsev_driver_get");
    CHECK(get != NULL);
    const older_driver *driver = get(1);
    CHECK(driver != NULL && driver->size >= sizeof *driver && driver->abi >= 1);
    CHECK(driver->abi_version() >= 1 && driver->version()[0] != '\0' && driver->handle_count() == 0);

    void *config = driver->config_new(), *err = NULL;
    char *out = NULL;
    const char *xml = "<domain type='kvm'><name>a</name><memory>1048576</memory>"
                      "<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>";
    CHECK(driver->config_load(config, "security.sev: true", NULL, &err) == 0);
    CHECK(driver->config_option(config, "record", "true", &err) == 0);
    CHECK(driver->config_set(config, "security.sev.policy.es", "true", &err) == 0);
    CHECK(driver->config_json(config, &out, &err) == 0 && strstr(out, "virt-sev/config/1") != NULL);
    driver->string_free(out);
    CHECK(driver->apply(config, xml, &out, &err) == 0 && strstr(out, "<policy>0x0005</policy>") != NULL);
    driver->string_free(out);
    CHECK(driver->apply(config, "<domain", &out, &err) == -5 && driver->error_code(err) == -5);
    CHECK(strcmp(driver->error_name(err), "VIRTSEV_ERR_DOMAIN") == 0 && driver->error_message(err)[0] != '\0');
    CHECK(strstr(driver->error_json(err), "virt-sev/error/1") != NULL);
    (void)driver->error_hint(err);
    driver->error_free(err);
    driver->config_free(config);
    CHECK(driver->handle_count() == 0);
    CHECK(dlclose(library) == 0);
}

int main(void)
{
    /* Twice: the library stays when it was closed. */
    use();
    use();
    puts("ok");
    return 0;
}
