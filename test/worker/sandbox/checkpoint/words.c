/* Counts the words of a file and writes them to another, with a checkpoint after every word read:
 * heap, stdio's buffers, open files and a recursion all live across it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((import_module("manyhands"), import_name("checkpoint"))) void checkpoint(void);

struct word {
  char *text;
  int count;
  struct word *less, *more;
};

static struct word *add(struct word *at, const char *text) {
  if (at == NULL) {
    at = calloc(1, sizeof *at);
    at->text = strdup(text);
    checkpoint();
  }
  int order = strcmp(text, at->text);
  if (order < 0) at->less = add(at->less, text);
  else if (order > 0) at->more = add(at->more, text);
  else at->count++;
  return at;
}

static void tell(const struct word *at, FILE *out) {
  if (at == NULL) return;
  tell(at->less, out);
  fprintf(out, "%s %d\n", at->text, at->count);
  checkpoint();
  tell(at->more, out);
}

int main(void) {
  FILE *in = fopen("/text", "r"), *out = fopen("/out/words", "w");
  struct word *root = NULL;
  char text[64];
  while (fscanf(in, "%63s", text) == 1) root = add(root, text);
  tell(root, out);
  fclose(out);
  puts("counted");
  return 0;
}
