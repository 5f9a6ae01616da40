/* Java keystores: JKS and JCEKS by their magic. */
#include "scanner/crawl/formats/format.h"
#include "scanner/crawl/formats/sniff.h"

static bool identify(struct slice head)
{
    return sniff(head.data, head.size) == SNIFF_JAVA;
}

static enum format_result read_java(struct job *job, struct content *content)
{
    (void)content;
    job_problem(job, "jks", NULL, RECORD_ERROR_UNSUPPORTED, "a Java keystore; its certificates are not read");
    return FORMAT_TAKEN;
}

const struct format format_java = {"jks", identify, read_java, .search = false};
