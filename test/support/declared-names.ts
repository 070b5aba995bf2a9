/**
 * The names that a source file of ours declares: variables, parameters, functions, types, members,
 * object keys. Names that it only uses are whoever's who declared them.
 */
import ts from 'typescript';

export function namesInTypeScript(path: string, source: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    const name = declaredName(node);
    if (name !== null) names.push(name);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest));
  return names;
}

function declaredName(node: ts.Node): string | null {
  // What is imported under its own name, or taken out of an object, is named by somebody else.
  if (ts.isImportSpecifier(node) || ts.isImportClause(node) || ts.isMetaProperty(node)) return null;
  if (ts.isPropertyAccessExpression(node)) return null;
  const { name } = node as { name?: ts.Node };
  if (name === undefined) return null;
  const isName = ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteral(name);
  return isName ? name.text : null;
}

/** Locals, loop variables, functions, and the keys and arguments that a script's header names. */
export function namesInLua(source: string): string[] {
  const lists = [
    ...source.matchAll(/^-- (?:keys|args): (.*)$/gm),
    ...source.matchAll(/\blocal (?!function)([\w, ]+)/g),
    ...source.matchAll(/\bfor ([\w, ]+?) (?:in|=)/g),
    ...source.matchAll(/\bfunction (\w+)/g),
  ];
  return lists.flatMap(([, list = '']) => list.split(/\W+/)).filter((name) => name !== '');
}

/** `stalledCount`, `stalled_count` and `stalled-count` are made of the words stalled and count. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
    .split(/[^A-Za-z]+/)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '');
}
