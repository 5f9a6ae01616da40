/* The password list. Owns the passwords, which are cleared when it is done; they are in no record, no log and no argument list. */
#include "scanner/crawl/passwords.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "certmuster/limits.h"

static void add(struct passwords *passwords, const char *password)
{
    for (size_t i = 1; i < passwords->count; i++)
        if (strcmp(passwords->list[i], password) == 0)
            return;
    passwords->list[passwords->count++] = cm_strdup(password);
}

/* What keytool, Tomcat, Keycloak, WebSphere and their manuals propose. */
static const char *const defaults[] = {"",           "changeit", "changeme", "password", "secret",
                                       "notasecret", "123456",   "keystore", "WebAS"};
enum { DEFAULTS = sizeof defaults / sizeof *defaults };

void passwords_init(struct passwords *passwords)
{
    passwords->list = cm_calloc(CM_LIMIT_PASSWORDS + DEFAULTS + 1, sizeof *passwords->list);
    passwords->count = 1; /* list[0]: none */
    for (size_t i = 0; i < DEFAULTS; i++)
        add(passwords, defaults[i]);
}

size_t passwords_always(void)
{
    return DEFAULTS + 1;
}

int passwords_load(struct passwords *passwords, const char *path, struct cm_error *error)
{
    char line[PASSWORD_BYTES_MAX + 3];
    size_t number = 0;
    int status = 0;
    FILE *file = fopen(path, "re");
    if (!file)
        return error_setf(error, CM_EIO, 0, "cannot read the password list", "%s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no buffer of the C library's keeps a copy */
    while (!status && fgets(line, sizeof line, file)) {
        size_t size = strlen(line);
        bool ended = size && line[size - 1] == '\n';
        number++;
        if (ended)
            line[--size] = '\0';
        if (size && line[size - 1] == '\r')
            line[--size] = '\0';
        if (size > PASSWORD_BYTES_MAX)
            status =
                error_setf(error, CM_ELIMIT, number, "a password is longer than 1024 bytes", "%s:%zu", path, number);
        else if (number > CM_LIMIT_PASSWORDS)
            status = error_setf(error, CM_ELIMIT, number, "more than 1000 passwords", "%s", path);
        else
            add(passwords, line);
    }
    if (!status && ferror(file))
        status = error_setf(error, CM_EIO, 0, "cannot read the password list", "%s: %s", path, strerror(errno));
    OPENSSL_cleanse(line, sizeof line);
    fclose(file);
    return status;
}

void passwords_done(struct passwords *passwords)
{
    for (size_t i = 1; i < passwords->count; i++) {
        OPENSSL_cleanse(passwords->list[i], strlen(passwords->list[i]));
        free(passwords->list[i]);
    }
    free(passwords->list);
    *passwords = (struct passwords){0};
}
