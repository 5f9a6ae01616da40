/* yamltree_read over any bytes; the tree that comes out is within its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "certmuster/yamltree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct yamltree_node *node, unsigned depth)
{
    size_t nodes = 1, children = 0;
    if (depth > YAMLTREE_DEPTH_MAX || node->line == 0 || (node->kind == YAMLTREE_SCALAR) != (node->text != NULL))
        abort();
    for (const struct yamltree_node *child = node->first; child; child = child->next, children++) {
        if ((node->kind == YAMLTREE_MAP) != (child->key != NULL))
            abort();
        nodes += walk(child, depth + 1);
    }
    if (children != node->count)
        abort();
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yamltree *tree = NULL;
    struct cm_error error = {.reason = NULL};
    if (yamltree_read("fuzz", data, size, &tree, &error) != CM_OK) {
        if (tree || !error.reason || !error.detail[0])
            abort();
        return 0;
    }
    if (walk(yamltree_root(tree), 0) > YAMLTREE_NODES_MAX)
        abort();
    yamltree_free(tree);
    return 0;
}
