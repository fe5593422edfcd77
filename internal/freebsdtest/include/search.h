/* See internal/freebsdtest/README.md. */
#ifndef FREEBSDTEST_SEARCH_H
#define FREEBSDTEST_SEARCH_H

typedef enum { preorder, postorder, endorder, leaf } VISIT;
typedef void posix_tnode;
posix_tnode *tsearch(const void *key, posix_tnode **root,
                     int (*compare)(const void *, const void *));
posix_tnode *tfind(const void *key, posix_tnode *const *root,
                   int (*compare)(const void *, const void *));
void *tdelete(const void *restrict key, posix_tnode **restrict root,
              int (*compare)(const void *, const void *));
void twalk(const posix_tnode *root, void (*action)(const posix_tnode *, VISIT, int));

#endif
