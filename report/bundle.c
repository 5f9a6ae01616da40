/* Directories that appear whole or not at all. The manifest has sha256sum's format, so that `sha256sum -c` checks it without us; hashes
 * are taken of what can be read back from the disk, not of what was meant to be written. */
#include "report/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certmuster/encode.h"
#include "report/output.h"

static int io_error(const char *path, struct cm_error *error)
{
    return error_setf(error, CM_EIO, 0, "cannot write", "%.180s: %s", path, strerror(errno));
}

static bool is_named(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Whether path may become the bundle: not there, empty, or an earlier bundle (*earlier). */
static int check_target(const char *path, const char *const *names, bool *earlier, struct cm_error *error)
{
    bool manifest = false, empty = true;
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT)
        return CM_OK;
    if (!dir && errno == ENOTDIR)
        return error_setf(error, CM_ECONFLICT, 0, "not a directory", "%s", path);
    if (!dir)
        return error_setf(error, CM_EIO, 0, "cannot read", "%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        empty = false;
        manifest = manifest || strcmp(entry->d_name, BUNDLE_MANIFEST) == 0;
        if (!is_named(entry->d_name, names)) {
            int code = error_setf(error, CM_ECONFLICT, 0, "will not overwrite a directory that holds other things",
                                  "%.120s holds %.80s", path, entry->d_name);
            closedir(dir);
            return code;
        }
    }
    closedir(dir);
    if (!empty && !manifest)
        return error_setf(error, CM_ECONFLICT, 0, "will not overwrite a directory that is no earlier evidence",
                          "%s has no " BUNDLE_MANIFEST, path);
    *earlier = !empty;
    return CM_OK;
}

int bundle_open(const char *path, const char *const *names, struct bundle *out, struct cm_error *error)
{
    bool earlier = false;
    struct bundle bundle = {.names = names, .path = cm_strdup(path), .directory = -1};
    for (size_t size = strlen(bundle.path); size > 1 && bundle.path[size - 1] == '/';)
        bundle.path[--size] = '\0';
    int code = check_target(bundle.path, names, &earlier, error);
    if (code) {
        free(bundle.path);
        return code;
    }
    size_t size = strlen(bundle.path) + sizeof ".XXXXXX";
    bundle.temporary = cm_malloc(size);
    snprintf(bundle.temporary, size, "%s.XXXXXX", bundle.path);
    buf_init(&bundle.manifest, 64 * 1024);
    mode_t mask = umask(0);
    umask(mask);
    if (!mkdtemp(bundle.temporary)) {
        code = io_error(bundle.path, error);
        free(bundle.temporary);
        bundle.temporary = NULL;
    } else if (chmod(bundle.temporary, 0777 & ~mask) != 0 ||
               (bundle.directory = open(bundle.temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
        code = io_error(bundle.path, error);
    }
    if (code) {
        bundle_abort(&bundle);
        return code;
    }
    output_at_end(bundle.temporary, names);
    *out = bundle;
    return CM_OK;
}

int bundle_open_file(struct bundle *bundle, const char *name, FILE **out, struct cm_error *error)
{
    int fd = openat(bundle->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd >= 0 ? fdopen(fd, "w+") : NULL;
    if (!file) {
        int code = io_error(name, error);
        if (fd >= 0)
            close(fd);
        return code;
    }
    *out = file;
    return CM_OK;
}

static int hash_file(FILE *file, uint8_t out[static CM_SHA256_SIZE])
{
    static unsigned char block[64 * 1024];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 && fseek(file, 0, SEEK_SET) == 0;
    for (size_t size; good && (size = fread(block, 1, sizeof block, file)) > 0;)
        good = EVP_DigestUpdate(context, block, size) == 1;
    good = good && !ferror(file) && EVP_DigestFinal_ex(context, out, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good ? CM_OK : CM_EIO;
}

int bundle_close_file(struct bundle *bundle, const char *name, FILE *file, struct cm_error *error)
{
    uint8_t hash[CM_SHA256_SIZE];
    int code = CM_OK;
    errno = 0;
    if (fflush(file) != 0 || ferror(file) || fsync(fileno(file)) != 0 || hash_file(file, hash) != CM_OK)
        code = io_error(name, error);
    if (fclose(file) != 0 && !code)
        code = io_error(name, error);
    if (code)
        return code;
    if (strcmp(name, BUNDLE_MANIFEST) != 0) {
        hex_append(&bundle->manifest, hash, sizeof hash);
        buf_appendf(&bundle->manifest, "  %s\n", name);
    }
    return CM_OK;
}

static int write_manifest(struct bundle *bundle, struct cm_error *error)
{
    FILE *file;
    int code = bundle_open_file(bundle, BUNDLE_MANIFEST, &file, error);
    if (code)
        return code;
    fwrite(bundle->manifest.data, 1, bundle->manifest.size, file);
    return bundle_close_file(bundle, BUNDLE_MANIFEST, file, error);
}

static void remove_files(const char *path, const char *const *names)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (; directory >= 0 && *names; names++)
        unlinkat(directory, *names, 0);
    if (directory >= 0)
        close(directory);
    rmdir(path);
}

/* The temporary becomes path. An earlier bundle changes places with it in one step and is then removed; a file system that cannot do
 * so has a moment without either. */
static int move_into_place(struct bundle *bundle, struct cm_error *error)
{
    bool earlier = false;
    int code =
        check_target(bundle->path, bundle->names, &earlier, error); /* somebody may have put things there meanwhile */
    if (code)
        return code;
    if (!earlier)
        return rename(bundle->temporary, bundle->path) == 0 ? CM_OK : io_error(bundle->path, error);
    if (renameat2(AT_FDCWD, bundle->temporary, AT_FDCWD, bundle->path, RENAME_EXCHANGE) == 0)
        return CM_OK; /* bundle_abort removes what the temporary's name now names */
    if (errno != EINVAL && errno != ENOSYS)
        return io_error(bundle->path, error);
    remove_files(bundle->path, bundle->names);
    return rename(bundle->temporary, bundle->path) == 0 ? CM_OK : io_error(bundle->path, error);
}

int bundle_commit(struct bundle *bundle, struct cm_error *error)
{
    int code = write_manifest(bundle, error);
    if (!code && fsync(bundle->directory) != 0 && errno != EINVAL)
        code = io_error(bundle->path, error);
    if (!code)
        code = move_into_place(bundle, error);
    bundle_abort(bundle);
    return code;
}

void bundle_abort(struct bundle *bundle)
{
    if (bundle->temporary)
        remove_files(bundle->temporary, bundle->names);
    output_at_end(NULL, NULL);
    if (bundle->directory >= 0)
        close(bundle->directory);
    buf_done(&bundle->manifest);
    free(bundle->temporary);
    free(bundle->path);
    *bundle = (struct bundle){.directory = -1};
}
